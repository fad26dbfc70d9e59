"""Which nets a solver trains and tests, and in which state."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import read_net
from chainer_ft.errors import FormatError, UsageError

_TRAIN = ("net", "net_param", "train_net", "train_net_param")


@dataclass(frozen=True)
class NetPlan:
    """A net that is to be built.

    Args:
        message: Its NetParameter, upgraded.
        state: Its NetState: phase, level, stages.
        origin: What the log says about it: ``net file: lenet_train_test.prototxt``.
        test_iter: Batches of a test pass; 0 for the net that is trained.
    """

    message: Message
    state: Message
    origin: str
    test_iter: int = 0


def net_to_train(solver: Message, level: int | None = None, stages: Sequence[str] = ()) -> NetPlan:
    """The net that is trained.

    Args:
        solver: The solver.
        level: Of the command line; replaces that of ``train_state``.
        stages: Of the command line; come after those of ``train_state``.

    Raises:
        UsageError: The solver names no net for training, or several.
    """
    given = [name for name in _TRAIN if solver.has(name)]
    if len(given) != 1:
        _fail(solver, f"{', '.join(given) or 'no net'}: name one net to train, by `net`")
    state = Message("NetState")
    state.merge(solver.train_state)
    state.merge(Message("NetState", stage=list(stages)))
    if level is not None:
        state.set("level", level)
    return _plan(solver, given[0], "TRAIN", state)


def nets_to_test(solver: Message) -> list[NetPlan]:
    """The nets that are tested, in Caffe's order: messages, files, then the one that is trained.

    Raises:
        UsageError: The numbers of nets, of ``test_iter`` and of ``test_state`` do not agree.
    """
    named = [("test_net_param", i) for i in range(len(solver.test_net_param))]
    named += [("test_net", i) for i in range(len(solver.test_net))]
    generic = [name for name in ("net", "net_param") if solver.has(name)]
    _check_counts(solver, len(named), len(solver.test_iter), bool(generic))
    named += [(generic[0], -1)] * (len(solver.test_iter) - len(named)) if generic else []
    plans = []
    for i, (name, index) in enumerate(named):
        state = solver.test_state[i] if solver.test_state else Message("NetState")
        plans.append(_plan(solver, name, "TEST", state, index, solver.test_iter[i]))
    return plans


def _check_counts(solver: Message, named: int, passes: int, has_generic: bool) -> None:
    states = len(solver.test_state)
    if has_generic and passes < named:
        _fail(solver, f"{named} test nets, but {passes} test_iter: give one for each", "test_iter")
    if not has_generic and passes != named:
        _fail(solver, f"{named} test nets, but {passes} test_iter: give one for each", "test_iter")
    if states and states != passes:
        _fail(solver, f"{passes} test nets, but {states} test_state: one for each", "test_state")
    if passes and solver.test_interval <= 0:
        _fail(solver, "a test net needs test_interval: how many iterations between two tests")


def _plan(
    solver: Message, name: str, phase: str, state: Message, index: int = -1, test_iter: int = 0
) -> NetPlan:
    value = getattr(solver, name) if index < 0 else getattr(solver, name)[index]
    if isinstance(value, Message):
        message, origin = value.copy(), name
    else:
        message = _read(solver, name, value, max(index, 0))
        origin = f"{name} file: {value}"
    merged = Message("NetState", phase=phase)
    merged.merge(message.state)
    merged.merge(state)
    message.clear("state")
    return NetPlan(message, merged, origin, test_iter)


def _read(solver: Message, name: str, path: str, index: int) -> Message:
    if not os.path.exists(path):
        raise FormatError(
            f"{solver.where(name, index)}: {name}: there is no {path!r} in {os.getcwd()}; paths "
            "are relative to the folder that the command runs in"
        )
    return read_net(path)


def _fail(solver: Message, trouble: str, name: str | None = None) -> NoReturn:
    raise UsageError(f"{solver.where(name)}: {trouble}")
