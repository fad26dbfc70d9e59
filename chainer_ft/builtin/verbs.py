"""The verbs of the command line, one module each in :mod:`chainer_ft.cli`."""

from __future__ import annotations

from chainer_ft.host.host import hookimpl
from chainer_ft.types import Subcommand


@hookimpl
def chainer_ft_subcommands() -> list[Subcommand]:
    from chainer_ft.cli import (
        cache,
        caffe,
        convert,
        copy,
        diff,
        doctor,
        evaluate,
        features,
        plan,
        plugins,
        predict,
        run,
        schedule,
        show,
        train,
    )

    weights = (copy, show, plan, diff, convert, cache)
    training = (schedule, train, predict, evaluate, features)
    return [module.VERB for module in (*weights, *training, caffe, plugins, doctor, run)]
