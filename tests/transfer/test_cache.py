"""The cache: only for slow sources, checked against the source's hash, bounded, safe together."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.transfer.cache import Cache, Cached, default_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("CHAINER_FT_CACHE", str(folder))
    monkeypatch.delenv("CHAINER_FT_CACHE_BYTES", raising=False)
    return folder


def packed(path: Path, seed: int = 0, size: int = 1000) -> Path:
    rng = np.random.RandomState(seed)
    np.savez_compressed(path, **{"conv/W": rng.randn(size).astype("f"), "conv/b": np.ones(3)})
    return path


def equal(a: ft.types.Source, b: ft.types.Source) -> None:
    assert a.listing.entries == b.listing.entries
    assert (a.name, a.format, a.notes, a.details) == (b.name, b.format, b.notes, b.details)
    for entry in a.listing:
        if not entry.note:
            assert a.read(entry.path).tobytes() == b.read(entry.path).tobytes()


def test_a_slow_source_comes_from_the_cache_the_second_time(folder: Path, tmp_path: Path) -> None:
    file = packed(tmp_path / "net.npz")
    with ft.open(file) as plain:
        for _ in range(2):
            with ft.open(file, cache=True) as cached:
                assert isinstance(cached, Cached)
                equal(plain, cached)
    assert len(list(folder.iterdir())) == 1


def test_nothing_is_cached_unless_asked_for(folder: Path, tmp_path: Path) -> None:
    with ft.open(packed(tmp_path / "net.npz")):
        assert not folder.exists()


def test_a_fast_source_is_left_alone(folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", W=np.ones(3))
    with ft.open(tmp_path / "net.npz", cache=True) as source:
        assert not isinstance(source, Cached)
    assert not folder.exists()


def test_a_source_that_changed_is_not_mixed_up(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.npz"
    for seed in (1, 2):
        packed(file, seed)
        with ft.open(file) as plain, ft.open(file, cache=True) as cached:
            equal(plain, cached)
    assert len(list(folder.iterdir())) == 2


def test_a_damaged_or_foreign_file_is_made_anew(folder: Path, tmp_path: Path) -> None:
    file = packed(tmp_path / "net.npz")
    with ft.open(file, cache=True):
        pass
    (made,) = folder.iterdir()
    for content in (b"", made.read_bytes()[:100], file.read_bytes()):
        made.write_bytes(content)
        with ft.open(file) as plain, ft.open(file, cache=True) as cached:
            equal(plain, cached)


def test_two_views_of_one_file(folder: Path, tmp_path: Path) -> None:
    file = packed(tmp_path / "net.npz")
    for name in (str(file), f"{file}::/conv"):
        with ft.open(name) as plain, ft.open(name, cache=True) as cached:
            equal(plain, cached)
    assert len(list(folder.iterdir())) == 2


def test_the_least_recently_used_goes_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINER_FT_CACHE_BYTES", "12000")
    files = [packed(tmp_path / f"{seed}.npz", seed) for seed in range(3)]
    for age, file in enumerate(files[:2]):
        with ft.open(file, cache=True):
            pass
        newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (1000 - age, 1000 - age))  # the second was used before the first
    second, first = (one.path for one in Cache().files())
    with ft.open(files[2], cache=True):
        pass
    assert first.exists()
    assert not second.exists()
    assert sum(one.nbytes for one in Cache().files()) <= 12000


def test_what_is_larger_than_the_cache_stays_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINER_FT_CACHE_BYTES", "100")
    with ft.open(packed(tmp_path / "net.npz"), cache=True) as source:
        assert not isinstance(source, Cached)


def test_a_removed_file_stays_readable(folder: Path, tmp_path: Path) -> None:
    file = packed(tmp_path / "net.npz")
    with ft.open(file, cache=True) as cached:
        assert Cache().clear() > 0
        assert cached.read("/conv/W").shape == (1000,)
    assert list(Cache().files()) == []


CODE = """
import sys
import chainer_ft as ft
for _ in range(5):
    with ft.open(sys.argv[1], cache=True) as source:
        assert source.read("/conv/W").sum() == float(sys.argv[2]), "wrong"
"""


def test_several_processes_at_once(folder: Path, tmp_path: Path) -> None:
    file = packed(tmp_path / "net.npz", size=200_000)
    with ft.open(file) as plain:
        total = str(float(plain.read("/conv/W").sum()))
    command = [sys.executable, "-c", CODE, str(file), total]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
    assert len(list(folder.iterdir())) == 1
    assert multiprocessing.active_children() == []


def test_the_users_own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert default_folder() == tmp_path / "chainer_ft"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_folder().parts[-3:] == ("Library", "Caches", "chainer_ft")


def test_every_slow_format(folder: Path, shared: Path) -> None:
    legacy = shared / "legacy"
    for name in (
        "7.8.1-py3.8/net.npz",
        "7.8.1-py3.8/net.h5",
        "1.24.0-py2.7/net.p0.pkl",
        "7.8.1-py3.8/net.p2.pkl.gz",
        "5.4.0-py3.7/odd.p2.pkl",
        "7.8.1-py3.8/lazy.npz",
    ):
        for _ in range(2):
            with ft.open(legacy / name) as plain, ft.open(legacy / name, cache=True) as cached:
                assert isinstance(cached, Cached)
                equal(plain, cached)
    shutil.rmtree(folder)
