"""What every saver must do."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from chainer_ft.errors import FormatError
from chainer_ft.testing.source import ArraySource
from chainer_ft.types import Saver, SourceLoader


class _Counting(ArraySource):
    """Knows what has been read."""

    def __init__(self, arrays: dict[str, np.ndarray], persistent: tuple[str, ...] = ()) -> None:
        super().__init__(arrays, persistent)
        self.seen: set[str] = set()

    def read(self, path: str) -> np.ndarray:
        self.seen.add(path)
        return super().read(path)


class _Failing(ArraySource):
    """Cannot be read."""

    def read(self, path: str) -> np.ndarray:
        raise FormatError(f"{path}: cannot be read")


def check_saver(
    saver: Saver, folder: str | os.PathLike[str], loader: SourceLoader | None = None
) -> None:
    """Check a saver, and, with a loader of its format, that arrays come back as they were.

    Args:
        saver: The saver.
        folder: An empty folder to write into.
        loader: Reads what the saver writes.

    Raises:
        AssertionError: A rule is broken; says which.
    """
    assert isinstance(saver, Saver), f"{saver!r} is not a Saver"
    assert saver.suffixes, "a saver has a suffix: it is chosen by it"
    place = Path(folder)
    for compress in (False, True):
        file = place / f"weights-{compress}{saver.suffixes[0]}"
        _check_save(saver, file, compress)
        if loader is not None:
            _check_round_trip(loader, file)
    _check_failure(saver, place / f"failing{saver.suffixes[0]}")


def _source() -> _Counting:
    weights = np.linspace(-1, 1, 24, dtype="f4")
    arrays = {
        "/conv1/W": weights.reshape(2, 3, 2, 2),
        "/conv1/b": np.array([0.5, -0.5], "f4"),
        "/block/bn/gamma": np.ones(2, "f4"),
        "/block/bn/avg_mean": np.array([1e-3, 1e3], "f4"),
    }
    return _Counting(arrays, persistent=("/block/bn/avg_mean",))


def _check_save(saver: Saver, file: Path, compress: bool) -> None:
    source = _source()
    early: list[str] = []

    def provenance() -> dict[str, object]:
        early.extend(path for path in source.listing.paths if path not in source.seen)
        return {"schema": "test/1"}

    saver.save(str(file), source, provenance=provenance, compress=compress)
    assert file.is_file(), f"save wrote no {file.name}: it writes to the path that it is given"
    unread = [path for path in source.listing.paths if path not in source.seen]
    assert not unread, f"save left out {', '.join(unread)}: it writes all of the source"
    assert not early, f"provenance was asked for before {early[:1]} was written: it comes last"
    others = [path.name for path in file.parent.iterdir() if not path.name.startswith("weights-")]
    assert not others, f"save left {', '.join(others)} behind: it writes one file"


def _check_round_trip(loader: SourceLoader, file: Path) -> None:
    wanted = _source()
    with loader.open(str(file)) as found:
        names = set(found.listing.paths)
        assert names == set(wanted.listing.paths), f"saved {wanted.listing.paths}, found {names}"
        for path in wanted.listing.paths:
            same = np.array_equal(found.read(path), wanted.read(path))
            assert same, f"{path} does not come back as it was saved"


def _check_failure(saver: Saver, file: Path) -> None:
    try:
        saver.save(str(file), _Failing({"/W": np.ones(1, "f4")}), provenance=None, compress=False)
    except FormatError:
        return
    finally:
        file.unlink(missing_ok=True)
    raise AssertionError("save swallows what the source raises: half a file would be kept")
