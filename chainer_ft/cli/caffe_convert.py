"""``chainer-ft caffe convert``: a solver as a Chainer script."""

from __future__ import annotations

from argparse import Namespace


def run(options: Namespace) -> int:
    """Run the command."""
    from chainer_ft.caffe.prototxt import read_solver
    from chainer_ft.caffe.solver import to_script
    from chainer_ft.formats.atomic import replacing

    weights = [options.weights] if options.weights else []
    script = to_script(read_solver(options.solver), options.solver, weights)
    if options.out is None:
        print(script, end="")
        return 0
    with replacing(options.out) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(script)
    return 0
