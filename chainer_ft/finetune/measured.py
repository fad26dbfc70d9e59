"""What is measured of a training, as values that go into JSON and come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chainer_ft.finetune.intervals import paired, wilson


@dataclass(frozen=True)
class Curve:
    """What the log says of a training; a value that was not measured is ``None``.

    Args:
        epoch: Epochs done at each entry.
        loss: Mean training loss of the epoch.
        accuracy: Mean training accuracy, 0 to 1.
        val_loss: Loss on the validation images.
        val_accuracy: Accuracy on them, 0 to 1.
        lr: The optimizer's learning rate, before the multipliers of the layers.
        seconds: Since the training began, evaluation included.
    """

    epoch: tuple[float, ...] = ()
    loss: tuple[float | None, ...] = ()
    accuracy: tuple[float | None, ...] = ()
    val_loss: tuple[float | None, ...] = ()
    val_accuracy: tuple[float | None, ...] = ()
    lr: tuple[float | None, ...] = ()
    seconds: tuple[float | None, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Curve:
        """From plain data."""
        return cls(**{name: tuple(values) for name, values in data.items()})


@dataclass(frozen=True)
class Score:
    """How many validation images are right.

    Args:
        correct: How many.
        count: Of how many.

    Example:
        >>> print(Score(90, 100))
        90.00% (82.6% to 94.5%), 90 of 100
    """

    correct: int
    count: int

    @property
    def accuracy(self) -> float:
        """The share, 0 to 1."""
        return self.correct / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval (Wilson)."""
        return wilson(self.correct, self.count)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.accuracy:.2%} ({low:.1%} to {high:.1%}), {self.correct} of {self.count}"


@dataclass(frozen=True)
class Margin:
    """How much better the fine-tuned net is than another, on the same images.

    Args:
        only_fine_tuned: Images that only the fine-tuned net has right.
        only_other: Images that only the other has right.
        count: All images.

    Example:
        >>> print(Margin(30, 5, 100))
        +25.0 points (+14.0 to +35.0)
    """

    only_fine_tuned: int
    only_other: int
    count: int

    @property
    def difference(self) -> float:
        """Of the accuracies, -1 to 1."""
        gap = self.only_fine_tuned - self.only_other
        return gap / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval (paired, Agresti and Min)."""
        return paired(self.only_fine_tuned, self.only_other, self.count)

    def __str__(self) -> str:
        low, high = (100 * end for end in self.interval)
        return f"{100 * self.difference:+.1f} points ({low:+.1f} to {high:+.1f})"


@dataclass(frozen=True)
class Contender:
    """One training of the comparison.

    Args:
        name: ``fine-tuned``, ``scratch`` or ``frozen``.
        lr: Base learning rate.
        curve: Its log.
        score: On the validation images, with the weights it ended with.
        seconds: Training time in all, evaluations and features included.
        margin: How far the fine-tuned net is ahead; ``None`` for that net itself.
    """

    name: str
    lr: float
    curve: Curve
    score: Score
    seconds: float
    margin: Margin | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Contender:
        """From plain data."""
        margin = data["margin"]
        parts = {
            "curve": Curve.from_dict(data["curve"]),
            "score": Score(**data["score"]),
            "margin": None if margin is None else Margin(**margin),
        }
        return cls(**{**data, **parts})


@dataclass(frozen=True)
class Confusion:
    """Which class is taken for which.

    Args:
        classes: Names.
        counts: Validation images by true class (rows) and by predicted class (columns).
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Confusion:
        """From plain data."""
        return cls(tuple(data["classes"]), tuple(tuple(row) for row in data["counts"]))


@dataclass(frozen=True)
class Sample:
    """An image that is far from right.

    Args:
        key: Where the image is in the data: a path, or a place in a file.
        label: Name of its class.
        predicted: Name of the class that the net takes it for.
        probability: What the net gives its own class, 0 to 1.
        loss: Its cross entropy.
        picture: A PNG of it, relative to the run folder; empty where there is none.
    """

    key: str
    label: str
    predicted: str
    probability: float
    loss: float
    picture: str = ""


@dataclass(frozen=True)
class Drift:
    """Relative distance of each layer from the pretrained weights, ``|w - w0| / |w0|``.

    Args:
        epoch: When it was measured.
        layers: Values by path of the link; ``""`` is the whole model.
    """

    epoch: tuple[float, ...] = ()
    layers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Drift:
        """From plain data."""
        layers = {path: tuple(values) for path, values in data["layers"].items()}
        return cls(tuple(data["epoch"]), layers)
