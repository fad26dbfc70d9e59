"""``chainer-ft caffe train``: run a solver."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from chainer_ft.cli.caffe import announce, device, has_gpu, names
from chainer_ft.cli.iterations import Bar

if TYPE_CHECKING:
    from chainer_ft.caffe.message import Message
    from chainer_ft.caffe.solver import Log


def run(options: Namespace) -> int:
    """Run the command. A run that was stopped by a signal has ended well, as in Caffe."""
    from chainer_ft.caffe.prototxt import read_solver
    from chainer_ft.caffe.solver import Log, Signals, Solver

    message = read_solver(options.solver)
    with Bar(message.max_iter, sys.stderr) as bar:
        log = Log(bar)
        place = announce(log, device(options.gpu) or _written(message, log))
        with Signals(options.sigint_effect, options.sighup_effect) as requests:
            solver = Solver(
                message,
                weights=names(options.weights),
                snapshot=options.snapshot,
                level=options.level,
                stages=names(options.stage),
                device=place,
                log=log,
            )
            solver.on_iteration = lambda solver: bar.show(solver.iter, f", loss {solver.loss:.4g}")
            log("caffe.cpp:247", "Starting Optimization")
            solver.solve(requests)
            log("caffe.cpp:250", "Optimization Done.")
    return 0


def _written(solver: Message, log: Log) -> str | None:
    """The device that a solver asks for in so many words; the default GPU does not count."""
    if not solver.has("solver_mode") or solver.solver_mode != "GPU":
        return None
    if has_gpu():
        return f"@cupy:{solver.device_id}"
    said = f"{solver.where('solver_mode')}: solver_mode: GPU, but CuPy finds none"
    log("caffe.cpp:206", f"{said}; the CPU is used, which is slower", "W")
    return None
