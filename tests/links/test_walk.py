"""A link's listing: order, types, sharing, lazy parameters, persistents of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import chainer
import chainer.links as L  # noqa: N812
import numpy as np
import pytest

import chainer_ft  # noqa: F401  makes the next line work
from chainer_ft.errors import ArrayError
from chainer_ft.links.listing import listing
from chainer_ft.links.walk import named_links, slots
from chainer_ft.types import Entry


class MyConv(L.Convolution2D):
    """A subclass of the user's own."""


class Net(chainer.Chain):
    """Own parameters and persistents, nested, shared, lazy."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.zebra = MyConv(3, 4, 3)
            self.alpha = L.Linear(None, 10)
            self.scale = chainer.Parameter(np.ones(2, "f"))
            self.blocks = chainer.ChainList(L.Linear(2, 2), L.BatchNormalization(4))
            self.seq = chainer.Sequential(L.Linear(2, 3), chainer.functions.relu, L.Linear(3, 1))
            self.tied = L.Linear(2, 2)
        self.tied.W = self.blocks[0].W
        self.again = self.zebra  # not in init_scope: no child
        self.add_persistent("mean", np.zeros(3, "f"))
        self.add_persistent("best", 0.5)
        self.add_persistent("seen", 7)
        self.add_persistent("label", "cat")
        self.add_persistent("nothing", None)
        self.add_persistent("table", {"a": 1})


def of(link: chainer.Link) -> dict[str, Entry]:
    return {entry.path: entry for entry in listing(link, "net")}


def test_order_is_the_order_of_assignment() -> None:
    assert list(of(Net())) == [
        "/scale",
        *["/mean", "/best", "/seen", "/label", "/nothing", "/table"],
        *["/zebra/W", "/zebra/b", "/alpha/W", "/alpha/b"],
        *["/blocks/0/W", "/blocks/0/b", "/blocks/1/gamma", "/blocks/1/beta"],
        *["/blocks/1/N", "/blocks/1/avg_mean", "/blocks/1/avg_var"],
        *["/seq/0/W", "/seq/0/b", "/seq/1/W", "/seq/1/b", "/tied/W", "/tied/b"],
    ]


def test_paths_are_chainers_own() -> None:
    net = Net()
    assert {p for p, e in of(net).items() if e.kind == "param"} == {
        path for path, _ in net.namedparams()
    }


def test_types_and_bases() -> None:
    entry = of(Net())["/zebra/W"]
    assert (entry.link_type, entry.bases) == ("MyConv", ("Convolution2D",))


def test_shared_parameters_name_their_owner() -> None:
    entries = of(Net())
    assert entries["/tied/W"].shared_with == "/blocks/0/W"
    assert entries["/tied/b"].shared_with is None


def test_links_that_share_arrays_share() -> None:
    chain = chainer.Chain(a=L.Linear(2, 2))
    chain.add_link("b", chain.a.copy(mode="share"))
    assert of(chain)["/b/W"].shared_with == "/a/W"


def test_lazy_parameters_say_what_they_know() -> None:
    entry = of(Net())["/alpha/W"]
    assert entry.shape is None
    assert entry.partial_shape == (10, None)
    assert entry.note == "uninitialised"
    conv = of(L.Convolution2D(None, 8, (3, 5)))["/W"]
    assert conv.partial_shape == (8, None, 3, 5)
    assert of(L.Deconvolution2D(None, 8, 2))["/W"].partial_shape == (None, 8, 2, 2)


def test_persistents_of_every_kind() -> None:
    entries = of(Net())
    kinds = {p: (e.shape, e.dtype, e.note) for p, e in entries.items() if e.kind == "persistent"}
    assert kinds["/mean"] == ((3,), np.dtype("f4"), "")
    assert kinds["/best"] == ((), np.dtype("f8"), "")
    assert kinds["/seen"] == ((), np.dtype(int), "")
    assert kinds["/label"][:2] == ((), np.dtype("<U3"))
    assert kinds["/nothing"] == (None, None, "uninitialised")
    assert kinds["/table"] == (None, None, "a Python dict, not an array")
    assert entries["/blocks/1/N"].is_counter


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (lambda: L.ConvolutionND(2, None, 8, 3), (8, None, 3, 3)),
        (lambda: L.DilatedConvolution2D(None, 8, 3), (8, None, 3, 3)),
        (lambda: L.Deconvolution2D(None, 8, 3, groups=2), (None, 4, 3, 3)),
        (lambda: L.DepthwiseConvolution2D(None, 2, 3), (2, None, 3, 3)),
    ],
)
def test_lazy_links_of_other_kinds(link, expected: tuple[int | None, ...]) -> None:  # type: ignore[no-untyped-def]
    assert of(link())["/W"].partial_shape == expected


def test_a_sequential_is_walked_in_the_order_of_its_calls() -> None:
    """It keeps ``/0``, ``/2``, ``/1``: each link is put behind the first one."""
    sizes = [(2, 3), (3, 4), (4, 5)]
    model = chainer.Sequential(*(chainer.links.Linear(*size, nobias=True) for size in sizes))
    assert [slot.array.shape for slot in slots(model)] == [(3, 2), (4, 3), (5, 4)]
    names = {path: param.shape for path, param in model.namedparams()}
    assert {slot.path: slot.array.shape for slot in slots(model)} == names


def test_a_sequential_is_walked_as_it_is_called() -> None:
    net = chainer.Sequential(L.Linear(1, 2), chainer.functions.relu, L.Linear(2, 3), L.Linear(3, 4))
    net.append(L.Linear(4, 5))
    found = [slot for slot in slots(net) if slot.name == "W"]
    assert [slot.array.shape for slot in found] == [(2, 1), (3, 2), (4, 3), (5, 4)]
    kept = dict(net.namedparams())
    assert all(kept[slot.path] is slot.value for slot in found)


@pytest.mark.parametrize("walk", [slots, named_links])
def test_a_link_that_contains_itself_is_refused(
    walk: Callable[[chainer.Link], Iterator[object]],
) -> None:
    net = chainer.Chain(a=L.Linear(2, 2), b=chainer.Chain())
    net.b.add_link("back", net)
    with pytest.raises(ArrayError, match="/b/back: this link contains itself"):
        list(walk(net))


def test_lists_of_numbers_are_never_shared() -> None:
    """Their arrays are made anew at each look, and often where the one before lay."""
    net = chainer.Chain(a=L.Linear(2, 2), b=L.Linear(2, 2))
    net.a.add_persistent("sizes", [1.0, 2.0])
    net.b.add_persistent("sizes", (3.0, 4.0))
    assert of(net)["/b/sizes"].shared_with is None
