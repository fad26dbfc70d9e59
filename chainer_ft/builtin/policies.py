"""The two policies."""

from __future__ import annotations

from chainer_ft.host.host import hookimpl
from chainer_ft.types import MatchPolicy


@hookimpl
def chainer_ft_match_policies() -> list[MatchPolicy]:
    from chainer_ft.planning import by_name, by_shape

    return [by_name.POLICY, by_shape.POLICY]
