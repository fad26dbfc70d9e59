"""Where the arrays of a live link were copied from, kept with the link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainer

from chainer_ft.links.walk import named_links

_NAME = "_chainer_ft_origin"


def remember(link: chainer.Link, origin: Mapping[str, Any]) -> None:
    """Keep what is known of the arrays that were just copied into a link.

    Args:
        link: The target of the copy.
        origin: A provenance, as files hold it.
    """
    link.__dict__[_NAME] = dict(origin)


def origins(model: chainer.Link) -> dict[str, dict[str, Any]]:
    """What is known of a model and the links in it, by path.

    Example:
        >>> import chainer
        >>> model = chainer.Chain(fc=chainer.links.Linear(2, 2))
        >>> remember(model.fc, {"sources": []})
        >>> origins(model)
        {'/fc': {'sources': []}}
    """
    known = ((path, link.__dict__.get(_NAME)) for path, link in named_links(model))
    return {path: origin for path, origin in known if origin is not None}
