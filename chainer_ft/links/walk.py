"""Every array that a link registers, in the model's own order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import chainer
import numpy as np

from chainer_ft.errors import ArrayError, UsageError
from chainer_ft.types import Kind, no_link


@dataclass(frozen=True)
class Slot:
    """The place of one parameter or persistent.

    Args:
        path: ``/conv1/W``.
        link: The link that registers it.
        name: Its attribute.
        kind: ``param`` or ``persistent``.
    """

    path: str
    link: chainer.Link
    name: str
    kind: Kind

    @property
    def link_path(self) -> str:
        """Path of the link."""
        return self.path.rpartition("/")[0] or "/"

    @property
    def value(self) -> Any:
        """The Parameter, or the persistent's value."""
        return getattr(self.link, self.name, None)

    @property
    def array(self) -> Any:
        """The array or number itself, ``None`` where there is none yet.

        Numbers in a list or tuple are what Chainer would save of them: an array.
        """
        value = self.value
        if self.kind == "param" and value is not None:
            return value.array
        return _as_numbers(value) if isinstance(value, (list, tuple)) else value


def _as_numbers(value: list[Any] | tuple[Any, ...]) -> Any:
    """A list or tuple of numbers as an array; anything else as it is."""
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        return value
    return array if array.dtype.kind in "biufc" and array.size else value


def slots(
    link: chainer.Link, prefix: str = "", above: tuple[chainer.Link, ...] = ()
) -> Iterator[Slot]:
    """The slots of a link and of everything below it.

    A link's own parameters come first, then its persistents, then its children, each in the
    order in which they were assigned (``Chain`` itself sorts by name).

    Args:
        link: Any link.
        prefix: Its path.
        above: The links that it is in.

    Raises:
        ArrayError: It contains itself.
    """
    _check_above(link, prefix, above)
    yield from own_slots(link, prefix)
    for name, child in children(link):
        yield from slots(child, f"{prefix}/{name}", (*above, link))


def _check_above(link: chainer.Link, path: str, above: tuple[chainer.Link, ...]) -> None:
    if not above and not isinstance(link, chainer.Link):
        raise UsageError(f"{no_link(link)}; give the model itself")
    if any(link is one for one in above):
        raise ArrayError(f"{path}: this link contains itself; no serializer can walk it")


def own_slots(link: chainer.Link, prefix: str = "") -> Iterator[Slot]:
    """The slots of a link itself, without those of its children."""
    order = {name: i for i, name in enumerate(link.__dict__)}
    last = len(order)
    for kind, names in (("param", link._params), ("persistent", link._persistent)):
        for name in sorted(names, key=lambda n: (order.get(n, last), n)):
            yield Slot(f"{prefix}/{name}", link, name, kind)  # type: ignore[arg-type]


def children(link: chainer.Link) -> list[tuple[str, chainer.Link]]:
    """The children of a link by name; a name may have a slash in it, as those of Caffe do."""
    if isinstance(link, chainer.ChainList):
        numbered = [(str(i), child) for i, child in enumerate(link._children)]
        is_called = isinstance(link, chainer.Sequential)
        return sorted(numbered, key=_place_in(link)) if is_called else numbered
    order = {name: i for i, name in enumerate(link.__dict__)}
    names = sorted(getattr(link, "_children", ()), key=lambda n: (order.get(n, len(order)), n))
    return [(name, getattr(link, name)) for name in names]


def _place_in(link: chainer.Sequential) -> Callable[[tuple[str, chainer.Link]], int]:
    """Where a Sequential calls a child; Chainer numbers them backwards from the second on."""
    places: dict[int, int] = {}
    for place, layer in enumerate(link._layers):
        places.setdefault(id(layer), place)
    return lambda named: places.get(id(named[1]), len(places))


def named_links(
    link: chainer.Link, path: str = "/", above: tuple[chainer.Link, ...] = ()
) -> Iterator[tuple[str, chainer.Link]]:
    """A link and everything below it with paths, in the order in which they were assigned.

    Args:
        link: Any link.
        path: Its path.
        above: The links that it is in.

    Raises:
        ArrayError: It contains itself.
    """
    _check_above(link, path, above)
    yield path, link
    for name, child in children(link):
        yield from named_links(child, f"{path.rstrip('/')}/{name}", (*above, link))
