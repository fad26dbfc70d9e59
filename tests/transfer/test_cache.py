"""The cache: only for slow sources, checked against the source's hash, bounded, safe together."""

from __future__ import annotations

import errno
import json
import logging
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.errors import UnsafeError, UsageError
from chainer_ft.formats import npz, provenance
from chainer_ft.transfer import cache as module
from chainer_ft.transfer.cache import Cache
from chainer_ft.transfer.cache_folder import default_folder
from chainer_ft.transfer.cached import Cached


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
    assert a.listing == b.listing
    assert (a.provenance, a.whole, a.link_paths) == (b.provenance, b.whole, b.link_paths)
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


def cached_file(folder: Path, file: Path) -> Path:
    """Cache a source; the file that the cache made."""
    with ft.open(file, cache=True) as cached:
        assert isinstance(cached, Cached)
    (made,) = folder.iterdir()
    return made


def test_a_link_in_the_place_is_replaced_and_not_followed(folder: Path, tmp_path: Path) -> None:
    file = packed(tmp_path / "net.npz")
    made = cached_file(folder, file)
    content = made.read_bytes()
    for target in (b"precious", content):  # the second would be a good file of the cache
        victim = tmp_path / "victim"
        victim.write_bytes(target)
        os.utime(victim, (1000, 1000))
        made.unlink()
        made.symlink_to(victim)
        assert cached_file(folder, file) == made
        assert not made.is_symlink()
        assert (victim.read_bytes(), victim.stat().st_mtime) == (target, 1000)


def test_a_dangling_link_makes_nothing(folder: Path, tmp_path: Path) -> None:
    file = packed(tmp_path / "net.npz")
    made = cached_file(folder, file)
    made.unlink()
    made.symlink_to(tmp_path / "nowhere")
    cached_file(folder, file)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_in_the_place_is_replaced(folder: Path, tmp_path: Path) -> None:
    file = packed(tmp_path / "net.npz")
    made = cached_file(folder, file)
    made.unlink()
    os.mkfifo(made)
    code = "import sys, chainer_ft as ft; ft.open(sys.argv[1], cache=True).close()"
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, timeout=60)
    assert stat.S_ISREG(made.lstat().st_mode)


def test_an_empty_folder_in_the_place_is_replaced(folder: Path, tmp_path: Path) -> None:
    file = packed(tmp_path / "net.npz")
    made = cached_file(folder, file)
    made.unlink()
    made.mkdir()
    assert cached_file(folder, file).is_file()


def test_a_full_folder_in_the_place_is_left_alone(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = packed(tmp_path / "net.npz")
    made = cached_file(folder, file)
    made.unlink()
    made.mkdir()
    (made / "mine").write_text("x")
    with ft.open(file, cache=True) as source:
        assert not isinstance(source, Cached)
        assert source.read("/conv/b").tolist() == [1, 1, 1]
    assert "nothing is cached in" in caplog.text
    assert [path.name for path in folder.iterdir()] == [made.name]
    assert (made / "mine").exists()


def test_another_file_of_the_same_content_keeps_its_own_name(folder: Path, tmp_path: Path) -> None:
    first = packed(tmp_path / "first.npz")
    second = Path(shutil.copy(first, tmp_path / "second.npz"))
    cached_file(folder, first)
    for name in (second, f"{second}::/conv"):
        for _ in range(2):
            with ft.open(name) as plain, ft.open(name, cache=True) as cached:
                assert isinstance(cached, Cached)
                equal(plain, cached)
                assert cached.listing.origin == plain.listing.origin
                assert str(second) in cached.name
    ft.copy(second, tmp_path / "plain.npz")
    with ft.open(second, cache=True) as cached:
        ft.copy(cached, tmp_path / "cached.npz")
    kept = []
    for name in ("plain.npz", "cached.npz"):
        with ft.open(tmp_path / name) as result:
            assert result.provenance is not None
            kept.append(result.provenance["sources"])
    assert kept[0] == kept[1]


def rewritten_in_place(file: Path, content: bytes) -> None:
    time.sleep(0.05)  # the clock of a file system ticks slowly
    file.write_bytes(content)


def replaced(file: Path, content: bytes) -> None:
    new = file.with_name("new")
    new.write_bytes(content)
    new.replace(file)


@pytest.mark.parametrize("rewrite", [rewritten_in_place, replaced])
def test_a_rewrite_that_keeps_size_and_time(
    tmp_path: Path, rewrite: Callable[[Path, bytes], None]
) -> None:
    file = tmp_path / "net.npz"
    digests = set()
    for content in (b"one", b"two"):
        rewrite(file, content)
        os.utime(file, (1000, 1000))
        digests.add(provenance.file_hash(str(file)).hexdigest())
    assert len(digests) == 2


def test_a_source_that_is_rewritten_meanwhile_is_not_cached(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = packed(tmp_path / "net.npz")
    other = packed(tmp_path / "other.npz", seed=1)
    save = npz.save

    def slow_save(*args: Any, **kwargs: Any) -> None:
        save(*args, **kwargs)
        other.replace(file)

    monkeypatch.setattr(npz, "save", slow_save)
    with ft.open(file, cache=True) as source:
        assert not isinstance(source, Cached)
    assert list(folder.iterdir()) == []


def test_what_was_evicted_at_once_comes_from_the_source(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = module.put

    def evicted(new: Path, path: Path) -> None:
        put(new, path)
        path.unlink()

    monkeypatch.setattr(module, "put", evicted)
    with ft.open(packed(tmp_path / "net.npz"), cache=True) as source:
        assert not isinstance(source, Cached)
        assert source.read("/conv/b").tolist() == [1, 1, 1]


def test_several_processes_with_a_tiny_limit(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINER_FT_CACHE_BYTES", "5000")
    processes = []
    for seed in range(4):
        file = packed(tmp_path / f"{seed}.npz", seed)
        with ft.open(file) as plain:
            total = str(float(plain.read("/conv/W").sum()))
        command = [sys.executable, "-c", CODE.replace("5", "50"), str(file), total]
        processes.append(subprocess.Popen(command, stderr=subprocess.PIPE))
    errors = [process.communicate(timeout=120)[1].decode() for process in processes]
    assert errors == [""] * 4
    assert [process.returncode for process in processes] == [0] * 4


def check_uncached(file: Path, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    with ft.open(file, cache=True) as source:
        assert not isinstance(source, Cached)
        assert source.read("/conv/b").tolist() == [1, 1, 1]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("chainer_ft", logging.WARNING)
    assert reason in record.getMessage()
    assert "CHAINER_FT_CACHE names another folder" in record.getMessage()


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_place_of_the_folder(
    below: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("CHAINER_FT_CACHE", str(tmp_path / "file" / below))
    check_uncached(packed(tmp_path / "net.npz"), caplog, "")
    assert (tmp_path / "file").read_text() == "x"
    assert Cache().clear() == 0


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_folder_that_cannot_be_made(
    code: int,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "mkdir", fail)
    check_uncached(packed(tmp_path / "net.npz"), caplog, os.strerror(code))


def test_a_disk_that_is_full(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(path: str, *_: Any, **__: Any) -> None:
        Path(path).write_bytes(b"part")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(npz, "save", fail)
    check_uncached(packed(tmp_path / "net.npz"), caplog, "No space left on device")
    assert list(folder.iterdir()) == []


def test_a_user_without_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    for name in ("CHAINER_FT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    check_uncached(packed(tmp_path / "net.npz"), caplog, "")


@pytest.mark.parametrize("text", ["8GB", "-1", "1e9", " 5", "5\n", "\u0665", "\u00b2", "9" * 5000])
def test_a_limit_that_is_no_number(
    text: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINER_FT_CACHE_BYTES", text)
    with pytest.raises(UsageError, match=r"CHAINER_FT_CACHE_BYTES is .*_BYTES=8589934592$"):
        ft.open(packed(tmp_path / "net.npz"), cache=True)


def other_shape(arrays: dict[str, np.ndarray]) -> None:
    arrays["conv/W"] = arrays["conv/W"][:10]


def other_dtype(arrays: dict[str, np.ndarray]) -> None:
    arrays["conv/W"] = arrays["conv/W"].view("i4")


def one_missing(arrays: dict[str, np.ndarray]) -> None:
    del arrays["conv/W"]


def one_more(arrays: dict[str, np.ndarray]) -> None:
    arrays["conv/V"] = arrays["conv/b"]


@pytest.mark.parametrize("change", [other_shape, other_dtype, one_missing, one_more])
def test_a_file_whose_arrays_are_others_is_made_anew(
    folder: Path, tmp_path: Path, change: Callable[[dict[str, np.ndarray]], None]
) -> None:
    file = packed(tmp_path / "net.npz")
    made = cached_file(folder, file)
    with zipfile.ZipFile(made) as archive:
        facts = archive.read(provenance.MEMBER)
    arrays = dict(np.load(file))
    change(arrays)
    np.savez(made, **arrays)
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr(provenance.MEMBER, facts)
    with ft.open(file) as plain, ft.open(file, cache=True) as cached:
        assert isinstance(cached, Cached)
        equal(plain, cached)


@pytest.mark.parametrize(
    "facts",
    ["", "[]", "{}", "null", '{"schema": 1, "key": []}', '{"schema": "chainer_ft.cache/2"}'],
)
def test_a_file_whose_facts_lie_is_made_anew(folder: Path, tmp_path: Path, facts: str) -> None:
    file = packed(tmp_path / "net.npz")
    made = cached_file(folder, file)
    np.savez(made, **{"conv/W": np.zeros(1000, "f"), "conv/b": np.ones(3)})
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr(provenance.MEMBER, facts)
    with ft.open(file) as plain, ft.open(file, cache=True) as cached:
        equal(plain, cached)


def test_the_file_of_another_view_is_made_anew(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.npz"
    np.savez_compressed(file, **{"a/W": np.ones(3), "b/W": np.zeros(3)})
    made = cached_file(folder, Path(f"{file}::/a"))
    key = made.stem
    made.rename(tmp_path / "a.npz")
    other = cached_file(folder, Path(f"{file}::/b"))
    (tmp_path / "a.npz").replace(other)
    with zipfile.ZipFile(other) as archive:
        assert json.loads(archive.read(provenance.MEMBER))["key"] == key
    with ft.open(f"{file}::/b", cache=True) as cached:
        assert cached.read("/W").tolist() == [0, 0, 0]


def test_an_array_that_cannot_be_read_is_refused_as_before(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.npz"
    np.savez_compressed(file, W=np.ones(3), o=np.array([None, 1], object))
    with ft.open(file, cache=True) as cached:
        assert isinstance(cached, Cached)
        for read in (cached.read, cached.blocks):
            with pytest.raises(UnsafeError, match="object array"):
                read("/o")
            with pytest.raises(KeyError):
                read("/none")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_private_source_stays_private(folder: Path, tmp_path: Path) -> None:
    file = packed(tmp_path / "net.npz")
    file.chmod(0o600)
    made = cached_file(folder, file)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    made.write_bytes(b"damaged")
    made.chmod(0o644)
    assert stat.S_IMODE(cached_file(folder, file).stat().st_mode) == 0o600


def test_other_files_in_the_folder_are_never_touched(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    mine = packed(folder / "my_model.npz")
    monkeypatch.setenv("CHAINER_FT_CACHE_BYTES", "5000")
    with ft.open(packed(tmp_path / "net.npz"), cache=True) as cached:
        assert isinstance(cached, Cached)
    assert Cache().clear() > 0
    assert list(folder.iterdir()) == [mine]
