"""What is told of a lost model, and that a terminal can be shown all of it."""

from __future__ import annotations

import pickle
from pathlib import Path

import assembler as asm
import pytest

from chainer_ft.formats.pickled.describe import _ORDINARY, printable
from chainer_ft.formats.pickled.loader import open_pickle
from chainer_ft.types import Source

W = asm.parameter(asm.array())


@pytest.fixture
def opened(tmp_path: Path):  # type: ignore[no-untyped-def]
    sources: list[Source] = []

    def open_(data: bytes) -> Source:
        file = tmp_path / "net.pkl"
        file.write_bytes(data)
        sources.append(open_pickle(str(file)))
        return sources[-1]

    yield open_
    for source in sources:
        source.close()


def net(**attributes: bytes) -> bytes:
    state = {"_params": asm.names("W"), "W": W, **attributes}
    return asm.link(asm.name("lab.nets", "Net"), **state)


def test_attributes(opened) -> None:  # type: ignore[no-untyped-def]
    attributes = {
        "stride": asm.tuple_(asm.integer(2), asm.integer(2)),
        "eps": b"F0.001\n",
        "nobias": asm.TRUE,
        "activation": asm.name("chainer.functions", "relu"),
        "label": asm.text("caffe"),
        "nothing": asm.NONE,
        "array": asm.array(),
        "long": asm.tuple_(*[asm.integer(1)] * 9),
        "deep": asm.tuple_(asm.tuple_(asm.tuple_(asm.tuple_(asm.integer(1))))),
        "name": asm.text("bookkeeping"),
        "__module__": asm.text("hidden"),
    }
    source = opened(asm.proto(2) + net(**attributes) + asm.STOP)
    told = "stride=(2, 2), eps=0.001, nobias=True, activation=chainer.functions.relu"
    assert source.details[0] == f"/  lab.nets.Net({told}, label='caffe', nothing=None)"


def test_the_tree(opened) -> None:  # type: ignore[no-untyped-def]
    inner = net(size=asm.integer(3))
    source = opened(asm.proto(2) + net(_children=asm.names("a"), a=inner) + asm.STOP)
    assert source.details[:2] == ("/  lab.nets.Net()", "  a  lab.nets.Net(size=3)")
    assert len(source.details) == 3


def test_a_long_tree_is_cut(opened) -> None:  # type: ignore[no-untyped-def]
    data = asm.proto(2) + net(_children=asm.list_(*[net()] * 1000)) + asm.STOP
    source = opened(data)
    assert len(source.listing) == 1001
    assert len(source.details) == 402
    assert source.details[-2] == "..."


VERSIONS = {
    "Chainer 1.5 to 1.24": {},
    "Chainer 2 to 5": {"_within_init_scope": asm.TRUE},
    "Chainer 4 or 5": {"_within_init_scope": asm.TRUE, "_children": b"\x8f"},
    "Chainer 6 or 7": {"_Link__init_done": asm.TRUE, "W": asm.array()},
    "Chainer 7": {"_Link__init_done": asm.TRUE},
    "Chainer 6": {
        "W": asm.call(
            asm.name("chainer.variable", "_recover_parameter"), asm.array(), *[asm.NONE] * 5
        )
    },
}


@pytest.mark.parametrize("version", VERSIONS)
def test_who_wrote_it(opened, version: str) -> None:  # type: ignore[no-untyped-def]
    old = asm.call(asm.name("chainer.variable", "Variable"), asm.array())
    state = {"W": old} if version < "Chainer 6" else {}
    source = opened(asm.proto(2) + net(**{**state, **VERSIONS[version]}) + asm.STOP)
    assert source.details[-1] == f"written by {version}, Python 2 or 3, protocol 2"


def test_which_python(opened) -> None:  # type: ignore[no-untyped-def]
    assert "Python 3, protocol 4" in opened(asm.proto(4) + net() + asm.STOP).details[-1]
    assert "Python 2, protocol 2" in opened(asm.proto(2) + net(a=b"U\x01x") + b".").details[-1]


def test_an_ordinary_model_has_no_notes(opened, shared: Path) -> None:  # type: ignore[no-untyped-def]
    """Of library classes alone: nothing would be called that Chainer's own pickles do not call."""
    for file in (shared / "legacy").glob("*-py*/plain_*.pkl"):
        assert opened(file.read_bytes()).notes == (), file
    for file in (shared / "legacy").glob("*-py*/rnn*.pkl"):
        assert opened(file.read_bytes()).notes == (), file


def test_other_calls_and_imports_are_named(opened) -> None:  # type: ignore[no-untyped-def]
    evil = asm.call(asm.name("os", "system"), asm.text("true"))
    data = asm.proto(2) + evil + b"0" + evil + b"0" + asm.name("antigravity", "fly") + asm.STOP
    assert opened(data).notes == (
        "loading it with pickle would call os.system (2x); nothing was called",
        "loading it with pickle would import antigravity.fly; nothing was imported",
    )


def test_many_names_are_counted(opened) -> None:  # type: ignore[no-untyped-def]
    calls = [asm.call(asm.name(f"m{i}", "f")) for i in range(20)]
    (note,) = opened(asm.proto(2) + asm.list_(*calls) + asm.STOP).notes
    assert "m11.f and 8 more; nothing was called" in note


def test_several_pickles_and_a_rest(opened) -> None:  # type: ignore[no-untyped-def]
    data = pickle.dumps(1) + pickle.dumps(2)
    assert opened(data).notes == ("2 pickles in one file",)
    assert "7 bytes behind the last pickle are not looked at" in opened(data + b"garbage").notes


def test_paths_that_are_left_out_are_said(opened) -> None:  # type: ignore[no-untyped-def]
    data = asm.proto(2) + net(_params=asm.names("W", "", "a//b", "a/")) + asm.STOP
    source = opened(data)
    assert list(source.listing.paths) == ["/W"]
    assert any("3 arrays whose paths are taken or no paths are left out" in n for n in source.notes)


HARMLESS = [
    *("numpy.core.multiarray._reconstruct", "numpy._core.multiarray.scalar", "numpy.dtype"),
    *("chainer.links.connection.linear.Linear", "chainer.variable._recover_parameter"),
    *("chainer.initializers.normal.LeCunNormal", "chainer.optimizers.adam.AdamRule"),
    *("collections.OrderedDict", "_codecs.encode", "copyreg._reconstructor", "builtins.set"),
    *("chainer.flag.Flag", "cupy.core.core.array", "chainerx.ndarray", "numpy.float32"),
]
HARMFUL = [
    *("os.system", "numpy.load", "numpy.testing._private.utils.runstring", "builtins.eval"),
    *("chainer.cuda.os.system", "chainer.links.caffe.os.system", "collections.abc.sys.exit"),
    *("numpy.dtype.__class__", "builtins.set.x", "copyreg.add_extension", "numpyx.dtype"),
    *("cupy.RawModule", "chainer.training.extensions.os.system", "chainermn.os.system"),
]


@pytest.mark.parametrize("name", HARMLESS)
def test_ordinary_names(name: str) -> None:
    assert _ORDINARY.fullmatch(name)


@pytest.mark.parametrize("name", HARMFUL)
def test_other_names(name: str) -> None:
    assert not _ORDINARY.fullmatch(name)


def test_printable() -> None:
    assert printable("重み/W") == "重み/W"
    assert printable("a\x1b[31m\n") == "a\\x1b[31m\\n"
    assert printable("\u202etxt") == "\\u202etxt"
    assert printable("x" * 500) == "x" * 197 + "..."
    assert printable("x" * 50, 20) == "x" * 17 + "..."
