"""Image files: in a folder per class, or named by a list."""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chainer_ft.caffe.data.image_list import read_list
from chainer_ft.errors import FormatError
from chainer_ft.formats.unopened import unopened
from chainer_ft.images.items import Broken, Found, Named
from chainer_ft.images.opening import NoImageError, open_picture
from chainer_ft.images.picture import Picture

#: A file of such a name that cannot be read is a broken image; any other is just no image.
SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp",
    ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif", ".heic", ".heif", ".mpo",
)  # fmt: skip
TRAIN = ("train", "training")
VAL = ("val", "valid", "validation", "test", "testing")
_JUNK = ("thumbs.db", "desktop.ini", "__macosx")
_PATHS = ("path", "file", "filename", "file_name", "filepath", "image", "img", "image_path")
_LABELS = ("label", "labels", "class", "class_name", "category", "target")
_PARTS = ("split", "part", "subset", "set", "fold")


@dataclass(frozen=True)
class Files:
    """Image files below a folder.

    Args:
        root: What keys are relative to.
    """

    root: str

    def file(self, key: str) -> str:
        return os.path.join(self.root, key)

    def open(self, key: str) -> Picture:
        path = self.file(key)
        if os.path.exists(path) and not os.path.isfile(path):  # to read a pipe is to wait
            raise NoImageError(f"{path}: is no file, but a pipe or a device")
        return open_picture(path)


def is_image_name(key: str) -> bool:
    """Whether a file is called as images are.

    Example:
        >>> is_image_name("IMG_0001.JPG"), is_image_name("notes.txt")
        (True, False)
    """
    return key.lower().endswith(SUFFIXES)


def in_folders(root: str) -> Found:
    """Images of a folder that has a folder for each class, or such ones in train/ and val/.

    A folder ``train`` that has no folders in it is a class, of trains.

    Raises:
        FormatError: There is none, or val/ has a class that train/ lacks.
    """
    parts = {name.lower(): name for name in folders(root) if folders(os.path.join(root, name))}
    train = next((parts[name] for name in TRAIN if name in parts), "")
    val = next((parts[name] for name in VAL if train and name in parts), None)
    notes = [f"{train}/ is split: there is no val/ beside it"] if train and val is None else []
    others = sorted(set(folders(root)) - {train, val}) if train else []
    notes += [f"{', '.join(others)}/ beside {train}/ is not used"] if others else []
    return Found(
        "folder",
        Files(root),
        tuple(_items(root, train)),
        None if val is None else tuple(_items(root, val)),
        tuple(sorted({_class_name(name) for name in folders(os.path.join(root, train))})),
        notes=tuple(notes),
    )


def folders(root: str) -> list[str]:
    """Names of the folders in a folder that are no system's own, sorted."""
    try:
        with os.scandir(root) as entries:
            return sorted(one.name for one in entries if one.is_dir() and not _is_junk(one.name))
    except OSError as error:
        raise unopened(root, error) from error


def _items(root: str, part: str) -> Iterator[Named]:
    for folder in folders(os.path.join(root, part)):
        for path in _below(os.path.join(root, part, folder)):
            yield Named(os.path.relpath(path, root), _class_name(folder))


def _class_name(folder: str) -> str:
    """A folder's name as people type it; macOS writes accents apart, others in any encoding."""
    text = folder.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", text)


def _below(folder: str) -> Iterator[str]:
    for here, inner, names in os.walk(folder, onerror=_refuse):
        inner[:] = sorted(name for name in inner if not _is_junk(name))
        yield from (os.path.join(here, name) for name in sorted(names) if not _is_junk(name))


def _refuse(error: OSError) -> None:
    """A folder that may not be read is not one without images."""
    raise unopened(error.filename, error) from error


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in _JUNK


def in_list(path: str) -> Found:
    """Images of a list as Caffe's ``ImageData`` reads: a path, a blank, a number on each line."""
    listed = [(one.path, str(one.label), "", one.line) for one in read_list(path)]
    return _listed(path, "list", listed)


def in_table(path: str) -> Found:
    """Images of a CSV file: a path and a label in each row.

    A header may name the columns (``path`` and ``label``, or words that mean them) and a third
    one, ``split``, of ``train`` and ``val``. Without a header the first two columns count. Paths
    are relative to the file.

    Raises:
        FormatError: It is no table of text, a row has no label, or no column is for paths.
    """
    rows = _rows(path)
    head = [cell.strip().lower() for cell in rows[0][1]]
    columns = [next((head.index(n) for n in names if n in head), -1) for names in _NAMES]
    if columns[0] >= 0 and columns[1] >= 0:
        rows = rows[1:]
    elif _looks_like_header(path, rows):
        raise FormatError(
            f"{path}:{rows[0][0]}: no columns for path and label in {rows[0][1]}; name them path "
            "and label"
        )
    else:
        columns = [0, 1, -1]
    return _listed(path, "csv", [_cells(path, row, columns) for row in rows])


_NAMES = (_PATHS, _LABELS, _PARTS)


def _rows(path: str) -> list[tuple[int, list[str]]]:
    """Rows that are not empty, each with its line."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is not text in UTF-8 ({error}); save it as UTF-8") from error
    first = text.split("\n", 1)[0]
    mark = max("\t;,", key=first.count)  # with none of them, the comma
    reader = csv.reader(text.splitlines(keepends=True), delimiter=mark)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise FormatError(f"{path}:{reader.line_num}: is no row of a table ({error})") from error
    if not rows:
        raise FormatError(f"{path}: is empty; write a path and a label in each row")
    return rows


def _looks_like_header(path: str, rows: Sequence[tuple[int, list[str]]]) -> bool:
    """Whether the first row names no image, while the second does."""
    folder = os.path.dirname(path)
    names = [row[0].strip() for _, row in rows[:2]]
    there = [is_image_name(name) or os.path.isfile(os.path.join(folder, name)) for name in names]
    return not there[0] and any(there)


def _cells(
    path: str, row: tuple[int, list[str]], columns: Sequence[int]
) -> tuple[str, str, str, str]:
    line, cells = row
    values = [cells[at].strip() if 0 <= at < len(cells) else "" for at in columns]
    if not values[0] or not values[1]:
        raise FormatError(f"{path}:{line}: no path or no label in {cells}")
    return values[0], unicodedata.normalize("NFC", values[1]), values[2], f"{path}:{line}"


def _listed(path: str, kind: str, rows: Sequence[tuple[str, str, str, str]]) -> Found:
    root = os.path.dirname(path)
    broken, parts = [], dict[bool, list[Named]]({False: [], True: []})
    for key, name, part, place in rows:
        if os.path.isfile(os.path.join(root, key)):
            parts[part.lower() in VAL].append(Named(key, name))
        else:
            broken.append(Broken(os.path.join(root, key), f"named in {place}, does not exist"))
    held = tuple(parts[True]) or None
    names = {row[1] for row in rows}
    are_numbers = all(re.fullmatch(r"-?\d+", name) for name in names)
    classes = sorted(names, key=int) if are_numbers else sorted(names)
    return Found(kind, Files(root), tuple(parts[False]), held, tuple(classes), tuple(broken))
