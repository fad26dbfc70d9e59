"""Pickles without a link: arrays by their keys, and long histories beside them."""

from __future__ import annotations

import collections
import pickle
import time
from pathlib import Path
from typing import Any

import assembler as asm
import numpy as np
import pytest

from chainer_ft.errors import UnsafeError
from chainer_ft.formats.pickled.loader import open_pickle

ONE = np.ones(1)
VALUES: dict[str, tuple[Any, list[str]]] = {
    "an array": (ONE, ["/array"]),
    "a dictionary": ({"W": ONE, "b": ONE * 2}, ["/W", "/b"]),
    "nested": ({"fc": {"W": ONE}, "x": [ONE * 2, {"y": ONE * 3}]}, ["/fc/W", "/x/0", "/x/1/y"]),
    "ordered": (collections.OrderedDict(b=ONE, a=ONE * 2), ["/b", "/a"]),
    "default": (collections.defaultdict(list, a=[ONE]), ["/a/0"]),
    "numbers as keys": ({3: ONE, 1: ONE * 2}, ["/3", "/1"]),
    "paths as keys": ({"/conv1/W": ONE, "conv2/W/": ONE * 2}, ["/conv1/W", "/conv2/W"]),
    "no text as a key": ({(1, 2): ONE}, ["/0"]),
    "an empty key": ({"": ONE}, ["/0"]),
    "nothing": ({"loss": [0.5, 0.4], "epoch": 3}, []),
    "numbers beside": ({"lr": 0.1, "W": ONE, "name": "net", "none": None}, ["/W"]),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("key", VALUES)
def test_where_arrays_are(tmp_path: Path, key: str, protocol: int) -> None:
    value, paths = VALUES[key]
    file = tmp_path / "net.pkl"
    file.write_bytes(pickle.dumps(value, protocol))
    with open_pickle(str(file)) as source:
        assert list(source.listing.paths) == paths
        assert {entry.kind for entry in source.listing} <= {"param"}


def test_python_2s_ordered_dictionary(tmp_path: Path) -> None:
    pairs = asm.list_(asm.list_(asm.text("W"), asm.array()), asm.list_(asm.text("n"), asm.NONE))
    data = asm.proto(2) + asm.call(asm.name("collections", "OrderedDict"), pairs) + asm.STOP
    file = tmp_path / "net.pkl"
    file.write_bytes(data)
    with open_pickle(str(file)) as source:
        assert list(source.listing.paths) == ["/W"]
        assert source.notes == ()


def test_several_pickles(tmp_path: Path) -> None:
    file = tmp_path / "net.pkl"
    file.write_bytes(pickle.dumps(ONE) + pickle.dumps({"W": ONE * 2}))
    with open_pickle(str(file)) as source:
        assert list(source.listing.paths) == ["/0", "/1/W"]
        assert source.read("/1/W") == [2]


def test_one_array_under_two_names(tmp_path: Path) -> None:
    file = tmp_path / "net.pkl"
    file.write_bytes(pickle.dumps({"a": ONE, "b": ONE, "c": {"d": ONE}}))
    with open_pickle(str(file)) as source:
        assert [entry.shared_with for entry in source.listing] == [None, "/a", "/a"]


def test_knots(tmp_path: Path) -> None:
    """What holds itself is entered once; what is beside it is found."""
    knot: list[Any] = [ONE]
    knot += [{"again": knot}, ONE * 2]
    file = tmp_path / "net.pkl"
    file.write_bytes(pickle.dumps({"knot": knot, "W": ONE * 3}))
    with open_pickle(str(file)) as source:
        assert list(source.listing.paths) == ["/knot/0", "/knot/2", "/W"]


def test_a_long_history_hides_nothing(tmp_path: Path) -> None:
    """Hundreds of thousands of records stand before the weights, and are passed once."""
    log = [{"iteration": i, "loss": i / 7} for i in range(150_000)]
    file = tmp_path / "net.pkl"
    file.write_bytes(pickle.dumps({"log": log, "twice": log, "W": ONE}))
    start = time.process_time()
    with open_pickle(str(file)) as source:
        assert list(source.listing.paths) == ["/W"]
    assert time.process_time() - start < 5


def test_paths_that_multiply(tmp_path: Path) -> None:
    level: list[Any] = [ONE]
    for _ in range(20):
        level = [level, level]
    file = tmp_path / "net.pkl"
    file.write_bytes(pickle.dumps(level))
    with pytest.raises(UnsafeError, match=r"more than 5,0.. paths; this is no model"):
        open_pickle(str(file))


def test_a_chain_in_a_million(tmp_path: Path) -> None:
    """Barren records that multiply are looked at once."""
    level: list[Any] = [1]
    for _ in range(31):
        level = [level, level]
    file = tmp_path / "net.pkl"
    file.write_bytes(pickle.dumps({"level": level, "W": ONE}))
    with open_pickle(str(file)) as source:
        assert list(source.listing.paths) == ["/W"]
