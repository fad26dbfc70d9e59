"""The manifest: which files make up the database now."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from chainer_ft.caffe.data.leveldb.checks import Bytes, fail
from chainer_ft.caffe.data.leveldb.log import log_records
from chainer_ft.errors import FormatError

_COMPARATOR, _LOG, _NEXT_FILE, _LAST_SEQUENCE, _COMPACT, _DELETED, _NEW, _OLD_LOG = (
    *range(1, 8),
    9,
)
_BYTEWISE = b"leveldb.BytewiseComparator"


@dataclass
class Manifest:
    """The files of a database.

    Attributes:
        path: The manifest's own path.
        tables: Level to {file number: smallest key}. From level 1 on the tables of a level do
            not overlap.
        log: Logs from this number on are not yet in a table.
        old_log: One more that is not.
    """

    path: str
    tables: dict[int, dict[int, bytes]] = field(default_factory=dict)
    log: int = 0
    old_log: int = 0


def read_manifest(folder: str | os.PathLike[str]) -> Manifest:
    """Read the manifest that the folder's ``CURRENT`` names.

    Raises:
        FormatError: There is none, it is damaged, or the keys have another order than bytes.
    """
    current = Path(folder) / "CURRENT"
    try:
        name = current.read_bytes().strip()
    except OSError as error:
        raise FormatError(
            f"{os.fspath(folder)}: is no LevelDB, it holds no file CURRENT ({error.strerror})"
        ) from error
    if not name.startswith(b"MANIFEST-") or not name[9:].isdigit():
        fail(str(current), f"names {name[:40]!r} where a manifest should stand")
    manifest = Manifest(str(Path(folder) / name.decode()))
    for record in log_records(manifest.path):
        edit = Bytes(record, manifest.path, "a change of the files")
        while not edit.is_done:
            _apply(manifest, edit)
    return manifest


def _apply(manifest: Manifest, edit: Bytes) -> None:
    """One field of one change."""
    tag = edit.varint()
    if tag == _COMPARATOR:
        comparator = edit.string()
        if comparator != _BYTEWISE:
            fail(manifest.path, f"keys are ordered by {comparator!r}, which only its maker knows")
    elif tag == _LOG:
        manifest.log = edit.varint()
    elif tag == _OLD_LOG:
        manifest.old_log = edit.varint()
    elif tag in (_NEXT_FILE, _LAST_SEQUENCE):
        edit.varint()
    elif tag == _COMPACT:
        edit.varint(), edit.string()
    elif tag == _DELETED:
        manifest.tables.get(edit.varint(), {}).pop(edit.varint(), None)
    elif tag == _NEW:
        level, number, _, smallest, _ = (
            edit.varint(), edit.varint(), edit.varint(), edit.string(), edit.string()
        )  # fmt: skip
        manifest.tables.setdefault(level, {})[number] = smallest
    else:
        fail(manifest.path, f"holds the unknown tag {tag}")
