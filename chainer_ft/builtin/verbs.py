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
        plan,
        plugins,
        run,
        schedule,
        show,
        train,
    )

    modules = (copy, show, plan, diff, convert, cache, schedule, train, caffe, plugins, doctor, run)
    return [module.VERB for module in modules]
