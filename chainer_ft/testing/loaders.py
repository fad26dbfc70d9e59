"""What every loader must do."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from chainer_ft.errors import ChainerFTError, FormatError
from chainer_ft.types import Entry, Listing, Source, SourceLoader

HEAD_BYTES = 4096
_FOREIGN = {"an empty file": b"", "zeros": bytes(64), "a text": b"This is no weights file.\n" * 9}


def check_loader(loader: SourceLoader, path: str | os.PathLike[str]) -> None:
    """Check a loader on a file of its format.

    Args:
        loader: The loader.
        path: A small file that it can read, with at least one array.

    Raises:
        AssertionError: A rule is broken; says which.
    """
    assert isinstance(loader, SourceLoader), f"{loader!r} is not a SourceLoader"
    file = os.fspath(path)
    _check_detect(loader, file)
    with loader.open(file) as source:
        assert isinstance(source, Source), f"open returns a Source, not {source!r}"
        _check_source(source)
    source.close()  # closing twice is allowed
    with tempfile.TemporaryDirectory() as folder:
        _check_foreign(loader, Path(folder), file)
        _check_damaged(loader, Path(folder), file)


def _detect(loader: SourceLoader, path: str) -> float:
    with open(path, "rb") as file:
        confidence = loader.detect(file.read(HEAD_BYTES), path)
    assert 0.0 <= confidence <= 1.0, f"detect returns 0.0 to 1.0, not {confidence!r}"
    return confidence


def _check_detect(loader: SourceLoader, path: str) -> None:
    assert _detect(loader, path) > 0, f"detect does not know {path}"


def _check_source(source: Source) -> None:
    listing = source.listing
    assert isinstance(listing, Listing), f"listing is a Listing, not {listing!r}"
    assert len(listing), "the file has no array: use one that has"
    assert source.listing == listing, "listing is the same whenever it is asked for"
    for entry in listing:
        if entry.shape is not None and not entry.note:
            _check_array(source, entry)
    try:
        source.read("/no/such/entry")
    except KeyError:
        return
    raise AssertionError("read raises KeyError for a path that is not in the listing")


def _check_array(source: Source, entry: Entry) -> None:
    array = source.read(entry.path)
    assert isinstance(array, np.ndarray), f"{entry.path}: read returns an array, not {array!r}"
    found, promised = (array.shape, array.dtype), (entry.shape, entry.dtype)
    assert found == promised, f"{entry.path}: read returns {found}, the listing says {promised}"
    numbers = array.tobytes()
    assert array.flags.writeable, f"{entry.path}: the array is the caller's own, so writeable"
    array.fill(0)
    again = source.read(entry.path).tobytes()
    assert again == numbers, f"{entry.path}: the array is the caller's own, not shared"
    flat = b"".join(np.ascontiguousarray(block).tobytes() for block in source.blocks(entry.path))
    assert flat == numbers, f"{entry.path}: blocks are the pieces of read, in C order"


def _check_foreign(loader: SourceLoader, folder: Path, path: str) -> None:
    for what, content in _FOREIGN.items():
        file = folder / os.path.basename(path)
        file.write_bytes(content)
        claimed = _detect(loader, str(file))
        assert not claimed, f"detect claims {what} by its suffix; files are told by content"


def _check_damaged(loader: SourceLoader, folder: Path, path: str) -> None:
    whole = Path(path).read_bytes()
    for length in (0, 1, len(whole) // 4, len(whole) // 2, len(whole) - 1):
        file = folder / os.path.basename(path)
        file.write_bytes(whole[:length])
        _detect(loader, str(file))
        try:
            with loader.open(str(file)) as source:
                for entry in source.listing:
                    source.read(entry.path)
        except FormatError as error:
            assert file.name in str(error), f"the error does not name the file: {error}"
        except ChainerFTError:
            continue
        except Exception as error:
            raise AssertionError(
                f"a file cut at {length} bytes: {error!r}, no FormatError"
            ) from error
