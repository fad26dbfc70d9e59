"""``chainer-ft caffe convert``: a solver as a Chainer script."""

from __future__ import annotations

from argparse import Namespace

from chainer_ft.cli.caffe import names
from chainer_ft.cli.output import say


def run(options: Namespace) -> int:
    """Run the command."""
    from chainer_ft.caffe.prototxt import read_solver
    from chainer_ft.caffe.solver import to_script
    from chainer_ft.formats.atomic import replacing

    script = to_script(read_solver(options.solver), options.solver, names(options.weights))
    if options.out is None:
        say(script.rstrip("\n"))
        return 0
    with replacing(options.out) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(script)
    return 0
