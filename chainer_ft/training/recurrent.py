"""The state of recurrent links, through a snapshot: a resumed run goes on in the same sentence.

Chainer saves parameters and persistents only, and a resumed run would begin in the middle of a
sequence with an empty state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import chainer

from chainer_ft.links import named_links

Models = Mapping[str, chainer.Link]


def capture(models: Models, serializer: Any) -> dict[str, bool]:
    """Keep the arrays; give their names, and whether each asks for a gradient.

    Args:
        models: By name.
        serializer: The group for the arrays.
    """
    found = {}
    for key, link, name in _held(models):
        value = getattr(link, name)
        serializer(key, value.array)
        found[key] = bool(value.requires_grad)
    return found


def restore(saved: Mapping[str, bool] | None, models: Models, serializer: Any) -> None:
    """Bring the state back; what had none then begins anew.

    Args:
        saved: What :func:`capture` gave; ``None`` of an older snapshot.
        models: By name.
        serializer: The group with the arrays.
    """
    if saved is None:
        return
    for _, link, name in list(_held(models)):
        setattr(link, name, None)
    links = {_key(model, path): link for model, path, link in _stateful(models)}
    for key, asks in saved.items():
        place, name = key.rsplit("/", 1)
        if place in links:
            array = links[place].device.send(serializer(key, None))
            setattr(links[place], name, chainer.Variable(array, requires_grad=asks))


def _held(models: Models) -> Iterator[tuple[str, chainer.Link, str]]:
    """Variables that stateful links hold: key, link, attribute."""
    for model, path, link in _stateful(models):
        for name, value in vars(link).items():
            is_state = isinstance(value, chainer.Variable) and name not in link._params
            if is_state and value.array is not None:
                yield f"{_key(model, path)}/{name}", link, name


def _stateful(models: Models) -> Iterator[tuple[str, str, chainer.Link]]:
    for model, target in models.items():
        for path, link in named_links(target):
            if hasattr(link, "reset_state"):
                yield model, path, link


def _key(model: str, path: str) -> str:
    return f"{model}{path}".rstrip("/")
