"""A solver as a Chainer training script, for those who want to go on from there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import to_text
from chainer_ft.caffe.solver.checks import checked_optimizer
from chainer_ft.caffe.solver.literals import call, float32, literal
from chainer_ft.caffe.solver.nets import NetPlan, net_to_train, nets_to_test

_POLICY = ("gamma", "power", "stepsize", "stepvalue")
_RULES = ("momentum", "momentum2", "rms_decay", "delta")
_REST = ("weight_decay", "regularization_type", "clip_gradients", "iter_size")
_USED = {
    "SGD": ("momentum",),
    "Nesterov": ("momentum",),
    "AdaGrad": ("delta",),
    "RMSProp": ("rms_decay", "delta"),
    "AdaDelta": ("momentum", "delta"),
    "Adam": ("momentum", "momentum2", "delta"),
}


def to_script(solver: Message, name: str = "solver.prototxt", weights: Sequence[str] = ()) -> str:
    """Write the Python script that trains what a solver trains: with a Trainer, and the same end.

    Args:
        solver: The solver's message.
        name: What it is called in the script.
        weights: Files to begin with, in place of the solver's own.

    Returns:
        str: The script; it uses the public names of Chainer and of this package only.

    Raises:
        UsageError: The solver has a value that Caffe refuses.
        FormatError: A net that it names cannot be read.
    """
    checked_optimizer(solver)
    tests = nets_to_test(solver)
    parts = [
        _head(solver, os.path.basename(name)),
        _training_net(solver, net_to_train(solver)),
        _optimizer(solver),
        _weights(list(weights) or list(solver.weights)),
        *(_test_net(solver, planned, i) for i, planned in enumerate(tests)),
        _trainer(solver, len(tests)),
        _run(solver),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(solver: Message, name: str) -> str:
    is_gpu = solver.has("solver_mode") and solver.solver_mode == "GPU"
    device = f"@cupy:{solver.device_id}" if is_gpu else "@numpy"
    other = "@numpy for the processor" if is_gpu else "@cupy:0 for a GPU"
    seed = max(solver.random_seed, 0)
    remark = "" if solver.random_seed >= 0 else f"  # {name} has none: its runs all differ"
    return "\n".join(
        [
            f'"""Trains what {name} trains. Made by `chainer-ft caffe convert`; change it."""',
            "",
            "import chainer_ft  # before chainer: makes it work on today's Python",
            "import chainer",
            "from chainer import training",
            "from chainer.training import extensions",
            "from chainer_ft import caffe",
            "",
            f'DEVICE = "{device}"  # {other}',
            f"SEED = {seed}{remark}",
            "chainer.get_device(DEVICE).use()",
        ]
    )


def _training_net(solver: Message, planned: NetPlan) -> str:
    made = _net(solver.train_state, planned)
    lines = ["# The net, as its prototxt says.", "with caffe.seeded(SEED):", f"    net = {made}"]
    return "\n".join([*lines, "net.to_device(DEVICE)"])


def _test_net(solver: Message, planned: NetPlan, index: int) -> str:
    state = solver.test_state[index] if solver.test_state else Message("NetState")
    net, tester, prefix = (_numbered(word, index) for word in ("test_net", "tester", "test"))
    return "\n".join(
        [
            "# It is tested with the same parameters.",
            "with caffe.seeded(SEED):",
            f"    {net} = {_net(state, planned)}",
            f"{net}.to_device(DEVICE)",
            f'{tester} = caffe.Tester({net}, updater, {planned.test_iter}, name="{prefix}")',
        ]
    )


def _numbered(word: str, index: int) -> str:
    return f"{word}{index}" if index else word


def _net(state: Message, planned: NetPlan) -> str:
    path = planned.origin.partition(" file: ")[2]
    text = f'caffe.parse_net("""\n{to_text(planned.message)}""")'
    given = [literal(path) if path else text, f'phase="{planned.state.phase}"']
    if state.has("stage"):
        given.append(f"stages={list(state.stage)!r}")
    if state.has("level"):
        given.append(f"level={state.level}")
    return call("caffe.Net", given)


def _optimizer(solver: Message) -> str:
    policy = [literal(solver.lr_policy), f"base_lr={float32(solver.base_lr)}"]
    policy += _fields(solver, _POLICY)
    if solver.lr_policy == "poly":
        policy.append(f"max_iter={solver.max_iter}")
    rules = [name for name in _RULES if name in _USED[solver.type]]
    given = [literal(solver.type), call("caffe.Policy", policy), *_fields(solver, rules)]
    given += _fields(solver, _REST)
    lines = ["optimizer = caffe.Optimizer(", *(f"    {one}," for one in given), ")"]
    return "\n".join([*lines, "updater = caffe.Updater(net, optimizer, seed=SEED)"])


def _fields(solver: Message, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if solver.has(name):
            value = getattr(solver, name)
            yield f"{name}={literal(value)}"


def _weights(files: Sequence[str]) -> str:
    """Several files are copied one after another."""
    names = [name.strip() for text in files for name in text.split(",")]
    lines = [f"print(caffe.copy_weights(net, {literal(name)}))" for name in names]
    said = ["# Weights by layer name; what is printed says what was copied, and what was not."]
    return "\n".join(said + lines if lines else [])


def _trainer(solver: Message, tests: int) -> str:
    end = f'({solver.max_iter}, "iteration")'
    lines = [f'trainer = training.Trainer(updater, {end}, out="result")']
    testers = [_numbered("tester", i) for i in range(tests)]
    for tester in testers:
        when = f'trigger=({solver.test_interval}, "iteration")'
        first = ", call_before_training=True" if solver.test_initialization else ""
        lines.append(f"trainer.extend({tester}, {when}{first})")
    lines.append(_snapshot(solver, testers))
    if solver.snapshot > 0:
        lines.append(f'trainer.extend(snapshot, trigger=({solver.snapshot}, "iteration"))')
    if solver.display > 0:
        lines += _display(solver, tests)
    return "\n".join(lines)


def _snapshot(solver: Message, testers: Sequence[str]) -> str:
    given = [literal(solver.snapshot_prefix)]
    if solver.snapshot_format != "BINARYPROTO":
        given.append(literal(solver.snapshot_format))
    if solver.snapshot_diff:
        given.append("diff=True")
    if testers:
        given.append(f"testers=[{', '.join(testers)}]")
    return f"snapshot = {call('caffe.Snapshot', given)}"


def _display(solver: Message, tests: int) -> list[str]:
    columns = ['"iteration"', '"main/loss"', '"main/lr"']
    more = "".join(f", *{_numbered('tester', i)}.entries" for i in range(tests))
    return [
        f'trainer.extend(extensions.LogReport(trigger=({solver.display}, "iteration")))',
        f"trainer.extend(extensions.PrintReport([{', '.join(columns)}{more}]))",
    ]


def _run(solver: Message) -> str:
    lines = ["trainer.run()"]
    if solver.snapshot_after_train:
        due = f"if updater.iteration % {solver.snapshot}:\n    " if solver.snapshot > 0 else ""
        lines.append(f"{due}snapshot(trainer)")
    return "\n".join(lines)
