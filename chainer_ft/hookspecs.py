"""The hooks: signatures and docstrings, nothing else.

A plugin is a module or object with functions of these names, marked with
``chainer_ft.hookimpl`` and named in the entry-point group ``chainer_ft``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from chainer_ft.types import (
        CaffeLayer,
        ExtensionFactory,
        MatchPolicy,
        Outcome,
        Plan,
        Saver,
        SourceLoader,
        Subcommand,
    )

hookspec = pluggy.HookspecMarker("chainer_ft")


@hookspec
def chainer_ft_source_loaders() -> Iterable[SourceLoader]:  # type: ignore[empty-body]
    """The formats that weights can be read from."""


@hookspec
def chainer_ft_savers() -> Iterable[Saver]:  # type: ignore[empty-body]
    """The formats that weights can be written in."""


@hookspec
def chainer_ft_match_policies() -> Iterable[MatchPolicy]:  # type: ignore[empty-body]
    """Ways to find partners in two listings."""


@hookspec
def chainer_ft_trainer_extensions() -> Iterable[ExtensionFactory]:  # type: ignore[empty-body]
    """Extensions for ``chainer.training.Trainer``."""


@hookspec
def chainer_ft_plan_ready(plan: Plan) -> None:
    """Look at a plan before it is applied; raise ``PlanRejected`` to forbid it."""


@hookspec
def chainer_ft_copied(plan: Plan, outcome: Outcome) -> None:
    """Hear of a plan that was applied."""


@hookspec
def chainer_ft_subcommands() -> Iterable[Subcommand]:  # type: ignore[empty-body]
    """Verbs of ``chainer-ft``."""


@hookspec
def chainer_ft_caffe_layers() -> Iterable[CaffeLayer]:  # type: ignore[empty-body]
    """Types of layers for ``chainer_ft.caffe.Net``."""
