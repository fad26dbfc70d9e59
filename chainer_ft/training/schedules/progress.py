"""How far a schedule is: a value, so that a snapshot can hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from chainer_ft.training.lengths import Position
from chainer_ft.training.schedules.conditions import Watched


@dataclass(frozen=True)
class Base:
    """What the script itself said of the model, apart from the schedule.

    Args:
        params: Paths of the parameters that it froze.
        lr: Its factors of the learning rate, which those of a phase multiply.
        decay: Its factors of weight decay.
    """

    params: tuple[str, ...] = ()
    lr: Mapping[str, float] = field(default_factory=dict)
    decay: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"{', '.join(self.params)} frozen" if self.params else "nothing frozen"]
        parts += [f"learning rate x{factor:g} of {path}" for path, factor in self.lr.items()]
        parts += [f"decay x{factor:g} of {path}" for path, factor in self.decay.items()]
        return ", ".join(parts)


@dataclass(frozen=True)
class Progress:
    """How far a schedule is.

    Args:
        index: Which phase it is in, from 0.
        start: Where that phase began.
        watched: What was seen of its metric.
        own: Paths of what the schedule froze.
        base: What the script said before.
        done: Whether the last phase is over.
    """

    index: int
    start: Position
    base: Base = field(default_factory=Base)
    own: tuple[str, ...] = ()
    watched: Watched = field(default_factory=Watched)
    done: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Progress:
        """What :meth:`to_dict` gave.

        Example:
            >>> progress = Progress(1, Position(20, 2.0), Base(lr={"/fc/W": 0.1}), own=("/conv/W",))
            >>> Progress.from_dict(progress.to_dict()) == progress
            True
        """
        base = Base(tuple(data["base"]["params"]), data["base"]["lr"], data["base"]["decay"])
        start, watched = Position(**data["start"]), Watched(**data["watched"])
        return cls(data["index"], start, base, tuple(data["own"]), watched, data["done"])
