"""What a run is told: plain data, kept in the run folder, so that it can go on or be repeated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from chainer_ft.errors import FormatError, UsageError
from chainer_ft.select import nearest

OPTIMIZERS = ("adamw", "sgd")
CURVES = ("one-cycle", "cosine", "constant")
BASELINES = ("scratch", "frozen")

#: The least that numbers may be.
_LEAST = {
    **dict.fromkeys(("epochs", "batch_size", "draws", "patience", "per_class"), 1),
    **dict.fromkeys(("decay", "freeze_epochs", "seed", "workers"), 0),
}

#: What says how a run is computed and told, and not what comes of it.
_HOW = ("baselines", "cache", "command", "device", "notes", "workers")


@dataclass(frozen=True)
class Settings:
    """All that decides what a run gives.

    Args:
        data: Where the images are.
        model: ``file.py:Net``, ``package.module:Net``, a ``.prototxt``; or what to call a link
            that was given in Python.
        weights: A weights file, or ``None``.
        epochs: Length of the training.
        batch_size: Images in a batch.
        seed: Of split, order, augmentation and new weights.
        scenario: One of the four, or ``auto``.
        schedule: A schedule as YAML, in place of a scenario.
        freeze_epochs: Epochs for the head alone; ``None`` as the scenario has it.
        freeze: Selections that are frozen throughout.
        cut: Where ``small-different`` cuts.
        head: Path of the head; ``None`` to find it.
        labels: Names of the source's classes, by row.
        lr: Learning rate of the body; ``None`` for the optimizer's usual one, ``find`` to look
            for one.
        head_lr: How many times that new layers learn at.
        optimizer: ``adamw`` or ``sgd``.
        decay: Weight decay.
        curve: ``one-cycle``, ``cosine`` or ``constant``.
        patience: Epochs without a better accuracy after which the training ends.
        val: Share of each class for validation.
        per_class: Most images of a class for training.
        strict: Whether a broken image is an error.
        preprocessing: As plain data; ``None`` to take it from the source.
        augmentation: As plain data; ``None`` for none.
        draws: Drawn augmentations of each image whose features are kept.
        cache: Whether features of what is frozen are kept.
        workers: Processes that prepare images; ``None`` for the usual number.
        device: As Chainer names it.
        baselines: ``(name, lr)`` of each other training; ``None`` for the usual rate.
        rules: Keywords of :func:`chainer_ft.plan` for the copy.
        notes: What had to be guessed.
        command: What was typed.

    Raises:
        UsageError: A value is not what it has to be.
    """

    data: str
    model: str
    weights: str | None = None
    epochs: int = 5
    batch_size: int = 32
    seed: int = 0
    scenario: str = "large-similar"
    schedule: str | None = None
    freeze_epochs: float | None = None
    freeze: tuple[str, ...] = ()
    cut: str | None = None
    head: str | None = None
    labels: tuple[str, ...] | None = None
    lr: float | str | None = None
    head_lr: float = 10.0
    optimizer: str = "adamw"
    decay: float | None = None
    curve: str = "one-cycle"
    patience: int | None = None
    val: float = 0.2
    per_class: int | None = None
    strict: bool = False
    preprocessing: Mapping[str, Any] | None = None
    augmentation: Mapping[str, Any] | None = None
    draws: int = 1
    cache: bool = True
    workers: int | None = None
    device: str = "@numpy"
    baselines: tuple[tuple[str, float | None], ...] = ()
    rules: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    command: str = ""

    def __post_init__(self) -> None:
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        _one_of("curve", self.curve, CURVES)
        for name, lr in self.baselines:
            _one_of("baseline", name, BASELINES)
            _rate(f"baseline {name}", lr)
        names = [name for name, _ in self.baselines]
        if len(set(names)) < len(names):
            raise UsageError(f"baseline {','.join(names)}: name each once")
        if isinstance(self.lr, str) and self.lr != "find":
            raise UsageError(f"lr {self.lr!r}: give a number like 0.0001, or find")
        _rate("lr", None if isinstance(self.lr, str) else self.lr)
        _rate("head_lr", self.head_lr)
        if self.cut is not None and self.scenario not in ("small-different", "auto"):
            raise UsageError(
                f"cut {self.cut!r}: {self.scenario} has none; --scenario small-different cuts"
            )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < float("inf"):
                raise UsageError(f"{name} {value}: give {least} or more")
        if self.draws > 1 and self.augmentation is None:
            raise UsageError(f"draws {self.draws}: nothing is drawn; give --augment with it")

    @property
    def base_lr(self) -> float:
        """Learning rate of the body where it is not looked for."""
        usual = {"adamw": 3e-4, "sgd": 1e-3}[self.optimizer]
        return usual if self.lr is None or isinstance(self.lr, str) else float(self.lr)

    @property
    def scratch_lr(self) -> float:
        """Learning rate of a net from scratch: what Chainer's optimizer has by default."""
        return {"adamw": 1e-3, "sgd": 1e-2}[self.optimizer]

    @property
    def base_decay(self) -> float:
        """Weight decay, the optimizer's usual one where none is given."""
        return {"adamw": 0.01, "sgd": 5e-4}[self.optimizer] if self.decay is None else self.decay

    @property
    def identity(self) -> str:
        """What decides the result, as text: equal for runs that may go on from each other."""
        told = {name: value for name, value in asdict(self).items() if name not in _HOW}
        return json.dumps(told, sort_keys=True, default=str)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Settings:
        """The settings that :meth:`to_dict` gave, also by way of JSON.

        Raises:
            FormatError: They are of another version.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise FormatError(f"unknown settings: {', '.join(unknown)}")
        tuples = {name: tuple(data[name]) for name in ("freeze", "notes")}
        labels, baselines = data["labels"], data["baselines"]
        tuples["labels"] = None if labels is None else tuple(labels)  # type: ignore[assignment]
        tuples["baselines"] = tuple((name, lr) for name, lr in baselines)
        return cls(**{**data, **tuples})


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{what} {value!r}: {nearest(value, known)}")


def _rate(what: str, value: float | None) -> None:
    if value is not None and not 0 < value < float("inf"):
        raise UsageError(f"{what} {value!r}: give a number above zero")
