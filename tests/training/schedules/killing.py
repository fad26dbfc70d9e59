"""Kill a three-phase run at random iterations, resume it, compare it with the unbroken one.

    python killing.py FOLDER COUNT

Chainer is imported once; every run is a fork of this process, which has no threads. Prints a line
of JSON: for each kill the iteration, the phase it struck, and whether the resumed run is equal.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import chainer_ft  # isort: skip  # noqa: F401
import chainer
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import schedule_runs as runs

#: In the forward pass, behind the schedule and before the snapshot, behind the snapshot.
FORWARD, BEFORE_SNAPSHOT, AFTER_SNAPSHOT = "forward", -75, -150


def in_fork(work: Callable[[], None]) -> int:
    """Do work in another process; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def whole_run(out: Path, autoload: bool) -> None:
    """Train to the end, from the newest snapshot if there is one; write down what came out.

    Args:
        out: The folder of the run.
        autoload: Whether the snapshot extension loads it, or ``load_npz`` before the run.
    """
    trainer = runs.make_trainer(out, autoload=autoload)
    newest = max(out.glob("snapshot_iter_*"), key=iteration_of, default=None)
    if newest is not None and not autoload:
        chainer.serializers.load_npz(str(newest), trainer)
    trainer.run()
    np.savez(out / "end.npz", **dict(runs.arrays(trainer)))


def iteration_of(snapshot: Path) -> int:
    return int(snapshot.name.rpartition("_")[2])


def killed_run(out: Path, iteration: int, moment: str | int) -> None:
    """Train, and be killed in an iteration."""
    trainer = runs.make_trainer(out)
    if moment == FORWARD:
        kill_in_forward(trainer, iteration)
    else:
        trainer.extend(runs.KillAt(iteration, int(moment)))
    trainer.run()


def kill_in_forward(trainer: chainer.training.Trainer, iteration: int) -> None:
    model = trainer.updater.get_optimizer("main").target
    forward = model.predictor.fc.forward

    def deadly(*args: object) -> object:
        if chainer.config.train and trainer.updater.iteration + 1 == iteration:
            os.kill(os.getpid(), signal.SIGKILL)
        return forward(*args)

    model.predictor.fc.forward = deadly


def outcome(out: Path) -> tuple[list[dict[str, float]], dict[str, bytes]]:
    """The log without the clock, and the bits of everything at the end."""
    log = json.loads((out / "log").read_text())
    for entry in log:
        del entry["elapsed_time"]
    with np.load(out / "end.npz") as end:
        bits = {path: (str(end[path].dtype), end[path].tobytes()) for path in end.files}
    return log, bits


def main(folder: Path, count: int) -> None:
    """Do all of it."""
    unbroken = folder / "unbroken"
    assert in_fork(lambda: whole_run(unbroken, False)) == 0
    expected = outcome(unbroken)
    last = expected[0][-1]["iteration"]
    draw, results = random.Random(4), []
    for i in range(count):
        iteration = draw.randrange(1, last + 1)
        moment = draw.choice([FORWARD, BEFORE_SNAPSHOT, AFTER_SNAPSHOT])
        out, autoload = folder / f"run{i:02}", bool(i % 2)
        code = in_fork(lambda o=out, n=iteration, m=moment: killed_run(o, n, m))
        assert in_fork(lambda o=out, a=autoload: whole_run(o, a)) == 0
        log, bits = outcome(out)
        paths = bits.keys() | expected[1].keys()
        differing = sorted(path for path in paths if bits.get(path) != expected[1].get(path))
        found = {"iteration": iteration, "moment": str(moment), "code": code, "autoload": autoload}
        results.append({**found, "same_log": log == expected[0], "differing": differing})
    print(json.dumps({"log": expected[0], "arrays": len(expected[1]), "kills": results}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
