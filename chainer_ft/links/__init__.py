"""A Link as a listing; reading from it, and the only writer into it, on NumPy or CuPy."""

from chainer_ft.links.origin import origins, remember
from chainer_ft.links.sharing import identity
from chainer_ft.links.source import LinkSource
from chainer_ft.links.walk import Slot, children, named_links, own_slots, slots
from chainer_ft.links.writing import initialize, write, written

__all__ = [
    "LinkSource",
    "Slot",
    "children",
    "identity",
    "initialize",
    "named_links",
    "origins",
    "own_slots",
    "remember",
    "slots",
    "write",
    "written",
]
