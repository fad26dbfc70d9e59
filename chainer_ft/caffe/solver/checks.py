"""What Caffe refuses in a solver, said before anything is built, with the place in the file."""

from __future__ import annotations

import os
import re
from typing import NoReturn

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.solver.optimizer import Optimizer
from chainer_ft.caffe.solver.rates import learning_rate
from chainer_ft.errors import FormatError, UsageError
from chainer_ft.select import nearest

_REGULARIZATION = ("L1", "L2")


def checked_optimizer(solver: Message) -> Optimizer:
    """The optimizer of a solver whose values are all allowed.

    Raises:
        UsageError: One is not; names file, line and column.
    """
    if solver.average_loss < 1:
        fail(solver, "average_loss", f"{solver.average_loss}: it is 1 or more")
    kind = solver.regularization_type
    if solver.weight_decay and kind not in _REGULARIZATION:
        fail(solver, "regularization_type", f"{kind!r}: {nearest(kind, _REGULARIZATION)}")
    try:
        optimizer = Optimizer.from_solver(solver)
        learning_rate(solver, 0)
    except UsageError as error:  # which begins with the name of the field
        field = re.match(r"\w+", str(error))
        name = field[0] if field and solver.has(field[0]) else None
        raise UsageError(f"{solver.where(name)}: {error}") from error
    return optimizer


def check_can_snapshot(solver: Message) -> None:
    """Find out now whether a snapshot can be written in an hour.

    Raises:
        FormatError: The folder is missing, or may not be written to.
    """
    folder = os.path.dirname(solver.snapshot_prefix) or "."
    if not (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        trouble = "may not be written to" if os.path.isdir(folder) else "does not exist"
        raise FormatError(
            f"{solver.where('snapshot_prefix')}: snapshot_prefix: {solver.snapshot_prefix!r}: the "
            f"folder {folder} {trouble} (now in {os.getcwd()}); mkdir it, or name another"
        )


def fail(solver: Message, name: str, trouble: str) -> NoReturn:
    """Raise for a field."""
    raise UsageError(f"{solver.where(name)}: {name}: {trouble}")
