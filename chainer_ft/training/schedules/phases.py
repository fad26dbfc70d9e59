"""A schedule of fine-tuning: phases, each with what is frozen and how fast the rest learns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chainer_ft.errors import ScheduleError
from chainer_ft.select import Selection
from chainer_ft.training.lengths import length
from chainer_ft.training.schedules.phase import Phase

if TYPE_CHECKING:
    import chainer


@dataclass(frozen=True)
class Schedule:
    """Phases, one after the other. ``ft.extensions.Schedule`` carries them out.

    Args:
        phases: At least one. Phases without a name are called ``phase 1``, ``phase 2``, ...

    Raises:
        ScheduleError: There is no phase, two have one name, or one before the last has no end.

    Example:
        >>> schedule = Schedule([Phase("1 epoch", freeze="/conv*", name="head"), Phase("4 epochs")])
        >>> [phase.name for phase in schedule.phases]
        ['head', 'phase 2']
    """

    phases: tuple[Phase, ...]

    def __init__(self, phases: Iterable[Phase]) -> None:
        object.__setattr__(self, "phases", _named(tuple(phases)))
        _check_phases(self.phases)

    @classmethod
    def fine_tune(
        cls, frozen: float = 1, epochs: float = 4, head: Selection = "last(1)", lr: float = 0.01
    ) -> Schedule:
        """The head alone first, then everything at a fraction of the rate.

        The head is new and its first gradients are wild; the body, which is good already, meets
        them only when they have calmed down.

        Args:
            frozen: Epochs in which only the head trains.
            epochs: Epochs after these, in which everything trains.
            head: What trains first; the model's last layer by default.
            lr: Factor of the learning rate in the second phase.

        Example:
            >>> print(Schedule.fine_tune(frozen=1, epochs=4).to_yaml())
            phases:
              - name: head
                length: 1 epoch
                freeze: all_but(last(1))
              - name: all
                length: 4 epochs
                lr: 0.01
        """
        from chainer_ft.training.schedules.recipes import fine_tune

        return cls(fine_tune(frozen, epochs, head, lr))

    @classmethod
    def gradual(
        cls,
        model: chainer.Link,
        each: Any = (1, "epoch"),
        last: Any = None,
        stages: int | Sequence[Selection] | None = None,
        decay: float = 1.0,
    ) -> Schedule:
        """Unfreeze from the head down, one stage more in every phase.

        After Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification"
        (2018), section 3.3.

        Args:
            model: The model.
            each: Length of each phase.
            last: Length of the last phase, in which everything trains; ``each`` by default.
            stages: Selections from the input to the head; or how many stages to make of the
                model's children; by default each child that has weights is one.
            decay: Factor of the learning rate from a stage to the one below it; 1 for the same
                rate everywhere, 1 / 2.6 in the paper.

        Raises:
            ScheduleError: The model has fewer stages than asked for.

        Example:
            >>> import chainer
            >>> L = chainer.links
            >>> model = chainer.Chain(a=L.Linear(4, 3), b=L.Linear(3, 3), c=L.Linear(3, 2))
            >>> [phase.freeze for phase in Schedule.gradual(model).phases]
            [(until('/b'),), (until('/a'),), ()]
        """
        from chainer_ft.training.schedules.recipes import gradual

        return cls(gradual(model, length(each), length(last or each), stages, decay))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Schedule:
        """Read a schedule from a YAML file.

        Raises:
            ScheduleError: It is none; names the file, the line and the nearest known key.
            FormatError: The file cannot be read.
        """
        from chainer_ft.training.schedules.yaml_reading import load

        return cls(load(path))

    def to_yaml(self) -> str:
        """The schedule as the text of a YAML file.

        Raises:
            RuleError: A selection is a function or a link itself, which no text stands for.
        """
        from chainer_ft.training.schedules.yaml_writing import to_yaml

        return to_yaml(self)


def _named(phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    return tuple(p if p.name else replace(p, name=f"phase {i}") for i, p in enumerate(phases, 1))


def _check_phases(phases: Sequence[Phase]) -> None:
    names = [phase.name for phase in phases]
    if not phases:
        raise ScheduleError("a schedule has at least one phase")
    for name in names:
        if names.count(name) > 1:
            raise ScheduleError(f"two phases are called {name!r}; give each a name of its own")
    for phase in phases[:-1]:
        if phase.length is None and phase.until is None:
            raise ScheduleError(
                f"phase {phase.name!r} never ends, and {len(phases)} phases are given; give it a "
                "length, '1 epoch' say, or a condition under until"
            )
