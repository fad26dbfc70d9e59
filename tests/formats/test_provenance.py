"""Where weights come from, as a file remembers it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import chainer
import pytest

import chainer_ft as ft
from chainer_ft.formats import provenance as origin


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_a_copy_remembers_its_source(tmp_path: Path, suffix: str) -> None:
    source, result = tmp_path / "old.npz", tmp_path / f"new.{suffix}"
    chainer.serializers.save_npz(str(source), chainer.links.Linear(3, 2))
    ft.copy(source, result)
    with ft.open(result) as opened:
        kept = opened.provenance
    assert kept is not None
    assert kept["schema"] == origin.SCHEMA
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert kept["sources"] == [{"name": str(source), "sha256": digest}]
    assert {path: entry["source"] for path, entry in kept["entries"].items()} == {
        "/W": "/W",
        "/b": "/b",
    }
    assert {"python", "numpy", "chainer"} <= set(kept["versions"])


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_chainers_files_have_none(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a.{suffix}"
    save = chainer.serializers.save_npz if suffix == "npz" else chainer.serializers.save_hdf5
    save(str(file), chainer.links.Linear(3, 2))
    with ft.open(file) as opened:
        assert opened.provenance is None


def test_it_is_made_when_the_arrays_are_written() -> None:
    made: list[int] = []
    assert json.loads(origin.encode(lambda: made.append(1) or {"n": len(made)})) == {"n": 1}


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000, b"7" * 5000])
def test_what_is_none_costs_nothing(text: bytes) -> None:
    assert origin.decode(text) is None


def test_a_huge_one_is_not_parsed() -> None:
    assert origin.decode(b" " * (origin.LIMIT + 1)) is None


def test_hash_of_a_file_that_is_gone(tmp_path: Path) -> None:
    assert origin.FileHash(str(tmp_path / "none")).hexdigest() is None
