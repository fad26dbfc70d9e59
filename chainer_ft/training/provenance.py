"""Where the weights of a model came from, through a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainer

from chainer_ft.formats.provenance import with_hash
from chainer_ft.links import named_links, origins, remember


def kept_origins(model: chainer.Link) -> dict[str, Any]:
    """Where the weights came from; the source is hashed once, not at the copy."""
    links = dict(named_links(model))
    for path, origin in origins(model).items():
        remember(links[path], with_hash(origin))
    return origins(model)


def restore_origins(model: chainer.Link, saved: Mapping[str, Any]) -> None:
    """Say again where they came from."""
    for path, link in named_links(model):
        if path in saved:
            remember(link, saved[path])
