"""Links among the records: any model of today's Chainer, and the registries of older ones."""

from __future__ import annotations

import collections
import pickle
from pathlib import Path

import chainer_ft  # makes the next line work

import chainer  # isort: skip
import assembler as asm
import numpy as np
import pytest
from chainer import functions
from chainer import links as L  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st

from chainer_ft.errors import UnsafeError
from chainer_ft.formats.pickled.loader import open_pickle
from chainer_ft.formats.pickled.source import PickleSource
from chainer_ft.links.source import LinkSource


class Own(chainer.Link):
    """Parameters and persistents of its own; module-level, so that it can be pickled."""

    def __init__(self, shape: tuple[int, ...], dtype: str, count: float) -> None:
        super().__init__()
        with self.init_scope():
            self.scale = chainer.Parameter(np.ones(shape, dtype))
            self.later = chainer.Parameter()
        self.add_persistent("mean", np.full(shape, 2, dtype))
        self.add_persistent("count", count)
        self.not_registered = np.zeros(5)


LEAVES = st.one_of(
    st.builds(L.Linear, st.sampled_from([None, 2]), st.integers(1, 3)),
    st.builds(L.Convolution2D, st.just(1), st.integers(1, 3), st.just(2), nobias=st.booleans()),
    st.builds(L.BatchNormalization, st.integers(1, 4)),
    st.builds(L.EmbedID, st.integers(1, 4), st.integers(1, 4)),
    st.builds(
        Own,
        st.lists(st.integers(0, 3), max_size=3).map(tuple),
        st.sampled_from(["f2", "f4", "f8"]),
        st.integers(0, 9) | st.floats(0, 1),
    ),
)
NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=4)


def chain(children: dict[str, chainer.Link]) -> chainer.Chain:
    made = chainer.Chain()
    for name, child in children.items():
        made.add_link(f"c_{name}", child)
    return made


MODELS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, max_size=3).map(chain),
        st.lists(inner, max_size=3).map(lambda links: chainer.ChainList(*links)),
        st.lists(inner, max_size=3).map(lambda ls: chainer.Sequential(*ls, functions.relu)),
        inner.map(L.Classifier),
        inner.map(lambda link: chainer.ChainList(link, link)),  # one link, twice
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("links")


def opened(folder: Path, data: bytes) -> PickleSource:
    file = folder / "net.pkl"
    file.write_bytes(data)
    source = open_pickle(str(file))
    assert isinstance(source, PickleSource)
    return source


@given(MODELS, st.integers(0, 5), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_model(folder: Path, model: chainer.Link, protocol: int, is_trained: bool) -> None:
    """The pickle lists and holds exactly what the live link does."""
    if is_trained:
        optimizer = chainer.optimizers.MomentumSGD().setup(model)
        model.cleargrads()
        for parameter in model.params():
            if parameter.is_initialized and parameter.dtype.kind == "f":
                parameter.grad = np.ones_like(parameter.array)
        optimizer.update()
    live = LinkSource(model)
    with opened(folder, pickle.dumps(model, protocol)) as source:
        assert [summary(e) for e in source.listing] == [summary(e) for e in live.listing]
        for entry in live.listing:
            if entry.shape is not None and not entry.note:
                np.testing.assert_array_equal(source.read(entry.path), live.read(entry.path))


def summary(entry: chainer_ft.types.Entry) -> tuple[object, ...]:
    shared = entry.shared_with
    return (entry.path, entry.kind, entry.shape, entry.dtype, entry.link_type, shared)


WRAPPED = {
    "alone": (lambda net: net, None),
    "in a dictionary": (lambda net: {"epoch": 3, "model": net}, "/model"),
    "in a tuple": (lambda net: (net, [0.5] * 1000), "/0"),
    "in a named tuple's dictionary": (
        lambda net: collections.OrderedDict(best=1, model=[net]),
        "/model/0",
    ),
    "in an optimizer": (lambda net: chainer.optimizers.SGD().setup(net), "/target"),
}


@pytest.mark.parametrize("key", WRAPPED)
@pytest.mark.parametrize("protocol", range(6))
def test_where_models_are_kept(folder: Path, key: str, protocol: int) -> None:
    wrap, way = WRAPPED[key]
    net = chain({"a": L.Linear(2, 2), "b": L.BatchNormalization(2)})
    with opened(folder, pickle.dumps(wrap(net), protocol)) as source:
        assert source.listing.paths == LinkSource(net).listing.paths
        assert (f"the model is at {way}" in source.notes) == (way is not None)


def test_two_models(folder: Path) -> None:
    both = {"generator": L.Linear(2, 2), "critic": L.Linear(2, 1)}
    with opened(folder, pickle.dumps(both)) as source:
        paths = ["/generator/W", "/generator/b", "/critic/W", "/critic/b"]
        assert list(source.listing.paths) == paths
        assert any(note.startswith("2 models: /generator, /critic;") for note in source.notes)
    with chainer_ft.open(f"{folder / 'net.pkl'}::/critic") as source:
        assert source.listing["/W"].shape == (1, 2)


W, B = asm.parameter(asm.array()), asm.parameter(asm.array())


def old(**state: bytes) -> bytes:
    return asm.proto(2) + asm.link(asm.name("lab.nets", "Net"), **state) + asm.STOP


def paths(folder: Path, data: bytes) -> list[str]:
    with opened(folder, data) as source:
        return list(source.listing.paths)


def test_registries_that_are_lists_keep_their_order(folder: Path) -> None:
    """Chainer 1 wrote down the order of registration; the dictionary of Python 2 has none."""
    data = old(b=B, W=W, _params=asm.names("W", "b"))
    assert paths(folder, data) == ["/W", "/b"]


@pytest.mark.parametrize("spelling", ["opcode", "python 2", "dill"])
def test_registries_that_are_sets_take_that_of_the_attributes(folder: Path, spelling: str) -> None:
    made = {
        "opcode": b"\x8f(" + asm.text("W") + asm.text("b") + b"\x90",
        "python 2": asm.call(asm.name("__builtin__", "set"), asm.names("W", "b")),
        "dill": asm.call(
            asm.call(asm.name("dill._dill", "_load_type"), asm.text("set")), asm.names("W", "b")
        ),
    }[spelling]
    assert paths(folder, old(b=B, W=W, _params=made)) == ["/b", "/W"]


def test_names_without_an_attribute(folder: Path) -> None:
    """Of a class attribute, or of a lazy parameter of Chainer 1.13 to 1.24."""
    lazy = asm.dictionary(W=asm.NONE)
    data = old(b=B, _params=asm.names("b"), _uninitialized_params=lazy, _persistent=asm.names("N"))
    with opened(folder, data) as source:
        assert list(source.listing.paths) == ["/b", "/W", "/N"]
        assert source.listing["/W"].shape is None
        assert "uninitialised" in source.listing["/W"].note
        assert source.listing["/N"].kind == "persistent"
        with pytest.raises(UnsafeError, match="/W: uninitialised"):
            source.read("/W")


def test_attributes_that_are_not_registered_are_no_entries(folder: Path) -> None:
    data = old(W=W, b=B, _params=asm.names("W"), stray=asm.link(W=W, _params=asm.names("W")))
    assert paths(folder, data) == ["/W"]


def test_one_variable_is_shared_and_one_array_is_not(folder: Path) -> None:
    state = {"a": W + asm.put(50), "b": asm.get(50), "c": asm.parameter(asm.get(51))}
    state["d"] = asm.parameter(asm.get(51))
    data = asm.proto(2) + asm.array() + asm.put(51) + b"0"
    data += asm.link(_params=asm.names(*"abcd"), **state) + asm.STOP
    with opened(folder, data) as source:
        assert [e.shared_with for e in source.listing] == [None, "/a", None, None]


def test_a_function_set(folder: Path) -> None:
    """Chainer 1.0 to 1.4: a parameter is what has a gradient beside it."""
    function = asm.name("chainer.functions.connection.linear", "Linear") + b")\x81"
    function += asm.dictionary(W=asm.array(), gW=asm.array(), eps=asm.array()) + b"b"
    norm = asm.name("chainer.functions.normalization.bn", "BatchNormalization") + b")\x81"
    state = {"gamma": asm.array(), "ggamma": asm.array(), "avg_mean": asm.array()}
    norm += asm.dictionary(**state, N=asm.list_(asm.integer(4))) + b"b"
    data = asm.proto(2) + asm.name("chainer.function_set", "FunctionSet") + b")\x81"
    data += asm.dictionary(l1=function, bn=norm, note=asm.text("x")) + b"b."
    with opened(folder, data) as source:
        kinds = {e.path: e.kind for e in source.listing}
        assert kinds == {
            "/l1/W": "param",
            "/bn/gamma": "param",
            "/bn/avg_mean": "persistent",
            "/bn/N": "persistent",
        }
        assert source.read("/bn/N").item() == 4


CLASSES = {
    "Net": asm.name("lab.nets", "Net"),
    "Made": asm.call(
        asm.name("cloudpickle.cloudpickle", "_make_skeleton_class"), asm.NONE, asm.text("Made")
    ),
    "attrgetter": asm.call(asm.name("operator", "attrgetter"), asm.text("Net")),
    "unknown": asm.integer(5),
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes_of_every_origin(folder: Path, name: str) -> None:
    data = asm.proto(2) + asm.link(CLASSES[name], W=W, _params=asm.names("W")) + asm.STOP
    with opened(folder, data) as source:
        assert source.listing["/W"].link_type == name


def test_a_reconstructed_object(folder: Path) -> None:
    made = asm.call(
        asm.name("copy_reg", "_reconstructor"),
        asm.name("lab.nets", "Net"),
        asm.name("__builtin__", "object"),
        asm.NONE,
    )
    state = {key: asm.names() for key in ("_persistent", "_children")}
    data = asm.proto(2) + made + asm.dictionary(W=W, _params=asm.names("W"), **state) + b"b."
    with opened(folder, data) as source:
        assert source.listing["/W"].link_type == "Net"


def test_links_inside_themselves(folder: Path) -> None:
    data = asm.proto(2) + asm.name("lab.nets", "Net") + b")\x81" + asm.put(60)
    registries = {key: asm.names() for key in ("_params", "_persistent")}
    data += asm.dictionary(**registries, _children=asm.names("me"), me=asm.get(60)) + b"b."
    with pytest.raises(UnsafeError, match=r"the link at '/me' is inside itself"):
        opened(folder, data)


def test_a_thousand_layers(folder: Path) -> None:
    net = chainer.ChainList(*(L.Linear(1, 1) for _ in range(1000)))
    with opened(folder, pickle.dumps(net, 4)) as source:
        assert len(source.listing) == 2000
