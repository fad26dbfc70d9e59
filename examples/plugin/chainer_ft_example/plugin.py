"""The hooks. They import late, so that ``chainer-ft --help`` stays fast."""

from __future__ import annotations

from chainer_ft import hookimpl
from chainer_ft.types import MatchPolicy, Saver, SourceLoader


@hookimpl
def chainer_ft_source_loaders() -> list[SourceLoader]:
    from chainer_ft_example import weights

    return [weights.LOADER]


@hookimpl
def chainer_ft_savers() -> list[Saver]:
    from chainer_ft_example import weights

    return [weights.SAVER]


@hookimpl
def chainer_ft_match_policies() -> list[MatchPolicy]:
    from chainer_ft_example import suffix

    return [suffix.POLICY]
