"""The file of features: whole or to be continued, never half-written."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainer_ft.errors import FormatError
from chainer_ft.finetune.cache import FeatureFile
from chainer_ft.finetune.columns import Column

COLUMNS = [Column((3, 2), "<f4"), Column((), "<i4")]


def _open(folder: Path, key: str = "ab", rows: int = 10, chunk: int = 4) -> FeatureFile:
    return FeatureFile(folder, key, COLUMNS, rows, chunk)


def _rows(index: int, count: int) -> list[np.ndarray]:
    draw = np.random.default_rng(index)
    return [draw.random((count, 3, 2), np.float32), np.arange(count, dtype=np.int32) + index]


def _fill(file: FeatureFile, indices: list[int]) -> None:
    for index in indices:
        file.write(index, _rows(index, min(file.chunk, file.rows - index * file.chunk)))


def test_a_whole_file_is_read_again(tmp_path: Path) -> None:
    file = _open(tmp_path)
    _fill(file, [0, 1, 2])
    file.finish()
    file.close()
    again = _open(tmp_path)
    assert list(again.missing()) == []
    for index in range(3):
        for array, rows in zip(again.arrays, _rows(index, 4), strict=True):
            part = array[index * 4 : index * 4 + 4]
            assert (part == rows[: len(part)]).all() and not part.flags.writeable
    again.close()


def test_an_interrupted_file_is_continued(tmp_path: Path) -> None:
    file = _open(tmp_path)
    _fill(file, [0, 2])
    file.close()
    assert [p.name for p in tmp_path.iterdir()] == ["ab.part"]
    again = _open(tmp_path)
    assert list(again.missing()) == [1]
    again.close()


@settings(deadline=None, max_examples=30)
@given(place=st.integers(0, 10**9), value=st.integers(1, 255), is_whole=st.booleans())
def test_a_changed_byte_is_never_used(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int, is_whole: bool
) -> None:
    folder = tmp_path_factory.mktemp("features")
    file = _open(folder)
    _fill(file, [0, 1, 2])
    if is_whole:
        file.finish()
    file.close()
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= value
    path.write_bytes(data)
    again = _open(folder)
    missing = set(again.missing())
    for index in set(range(3)) - missing:
        for array, rows in zip(again.arrays, _rows(index, 4), strict=True):
            part = array[index * 4 : index * 4 + 4]
            assert part.tobytes() == rows[: len(part)].tobytes()
    again.close()


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_cut_file_is_made_anew(tmp_path: Path, is_whole: bool) -> None:
    file = _open(tmp_path)
    _fill(file, [0, 1, 2])
    if is_whole:
        file.finish()
    file.close()
    (path,) = tmp_path.iterdir()
    os.truncate(path, path.stat().st_size - 1)
    again = _open(tmp_path)
    assert list(again.missing()) == [0, 1, 2]
    again.close()


@pytest.mark.parametrize("change", [{"rows": 11}, {"chunk": 3}])
def test_a_file_of_another_layout_is_not_used(tmp_path: Path, change: dict[str, int]) -> None:
    file = _open(tmp_path)
    _fill(file, [0, 1, 2])
    file.finish()
    file.close()
    again = _open(tmp_path, **change)
    assert list(again.missing()) == list(range(again.chunks))
    again.close()


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    first = _open(tmp_path)
    second = _open(tmp_path)
    _fill(first, [0])
    assert list(second.missing()) == [0, 1, 2]
    _fill(second, [0, 1, 2])
    second.finish()
    _fill(first, [1, 2])
    first.finish()
    assert [p.name for p in tmp_path.iterdir()] == ["ab.features"]
    assert list(first.missing()) == list(second.missing()) == []
    first.close()
    second.close()


def test_a_full_disk_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int, start: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(FormatError, match="No space left"):
        _open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_cannot_take_space_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int, start: int, size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    file = _open(tmp_path)
    _fill(file, [0, 1, 2])
    assert list(file.missing()) == []
    file.close()


def test_a_system_without_pwrite_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pwrite")
    with pytest.raises(FormatError, match="POSIX"):
        _open(tmp_path)


_WRITER = """
import sys, numpy as np
from chainer_ft.finetune.cache import FeatureFile
from chainer_ft.finetune.columns import Column
file = FeatureFile(sys.argv[1], "ab", [Column((1024,), "<f4")], 32 * 200, 32)
print("open", flush=True)
for index in list(file.missing()):
    file.write(index, [np.full((32, 1024), index, "f")])
    print(index, flush=True)
file.finish()
"""


def test_killed_at_any_moment_it_goes_on(tmp_path: Path) -> None:
    done: set[int] = set()
    for attempt in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdout is not None
            lines = [worker.stdout.readline() for _ in range(2 + 5 * attempt)]
            worker.send_signal(signal.SIGKILL)
            lines += worker.stdout.read().splitlines(keepends=True)
        done |= {int(line) for line in lines[1:] if line.endswith("\n")}
    file = FeatureFile(tmp_path, "ab", [Column((1024,), "<f4")], 32 * 200, 32)
    kept = set(range(200)) - set(file.missing())
    assert kept >= done and done
    for index in kept:
        assert (file.arrays[0][index * 32 : index * 32 + 32] == index).all()
    file.close()
