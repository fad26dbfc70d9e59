"""A first schedule for a model, as YAML for a person to edit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import chainer

from chainer_ft.links import slots
from chainer_ft.select import escaped
from chainer_ft.training.schedules.phases import Schedule
from chainer_ft.training.schedules.resolving import Resolved, resolve
from chainer_ft.training.schedules.stages import stages_of
from chainer_ft.training.schedules.yaml_writing import to_yaml

_HEAD = """\
# A schedule of fine-tuning for {model}.
# Edit it, look at it, use it:
#     chainer-ft schedule {model} --check THIS_FILE --timeline schedule.png
#     trainer.extend(chainer_ft.extensions.Schedule("THIS_FILE"))
#
# length   3 epochs, 500 iterations
# freeze   what stands still in this phase; all else trains. A path with * and **, first(5),
#          last(1), until(/path), all_but(/path), type(BatchNormalization), or a list of these
# lr       factor of the optimizer's learning rate: one number, or numbers by path
# decay    the same for weight decay
# until    ends the phase when a metric is no better, and brings its best weights back:
#            until:
#              monitor: validation/main/loss
#              patience: 3
# statistics: train and dropout: on let BatchNormalization and dropout in frozen links go on
#
# From the input to the head:
"""


def draft(model: chainer.Link, name: str, gradual: bool = False) -> str:
    """A schedule as YAML with comments that explain it.

    Args:
        model: The model.
        name: What to call it in the comments.
        gradual: Unfreeze stage by stage from the head down, not all at once.

    Raises:
        ScheduleError: The model has one stage only, and nothing to freeze.
    """
    schedule = drafted(model, gradual)
    layers = "\n".join(f"#   {line}" for line in _stage_lines(model))
    lines = to_yaml(schedule).splitlines()
    trained = iter(_trained(resolve(model, schedule)))
    body = [f"  # {next(trained)}\n{line}" if line.startswith("  - ") else line for line in lines]
    return "\n".join([_HEAD.format(model=name) + layers, *body]) + "\n"


def drafted(model: chainer.Link, gradual: bool = False) -> Schedule:
    """The schedule of a draft: the head is named by its path.

    Example:
        >>> L = chainer.links
        >>> model = chainer.Chain(conv=L.Convolution2D(3, 4, 3), fc=L.Linear(4, 2))
        >>> drafted(model).phases[0].freeze
        (all_but('/fc'),)
    """
    stages = stages_of(model)
    if len(stages) < 2:
        return Schedule.fine_tune()
    return (
        Schedule.gradual(model)
        if gradual
        else Schedule.fine_tune(head=[escaped(path) for path in stages[-1]])
    )


def _stage_lines(model: chainer.Link) -> Iterator[str]:
    for stage in stages_of(model):
        sizes = [_size(model, path) for path in stage]
        count = "unknown (lazy)" if None in sizes else f"{sum(s or 0 for s in sizes):,}"
        yield f"{' '.join(stage)}: {count} parameters"


def _size(model: chainer.Link, path: str) -> int | None:
    """Numbers in the parameters below a path, ``None`` where one has no array yet."""
    params = [s for s in slots(model) if s.kind == "param" and s.path.startswith(path + "/")]
    if any(slot.array is None for slot in params):
        return None
    return sum(int(slot.array.size) for slot in params)


def _trained(phases: Sequence[Resolved]) -> Iterator[str]:
    for one in phases:
        layers = dict.fromkeys(path.rpartition("/")[0] or "/" for path in one.live)
        shown = list(layers)
        names = ", ".join(shown) if len(shown) < 5 else f"{shown[0]} ... {shown[-1]}"
        yield f"{len(one.live)} of {len(one.rates)} parameters train: {names}"
