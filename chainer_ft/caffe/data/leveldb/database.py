"""A LevelDB folder as sorted records: its tables and logs, merged."""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from chainer_ft.caffe.data.leveldb.checks import fail
from chainer_ft.caffe.data.leveldb.log import Change, log_changes
from chainer_ft.caffe.data.leveldb.manifest import read_manifest
from chainer_ft.caffe.data.leveldb.table import table_changes


class LeveldbDatabase:
    """The records of a LevelDB folder, which is only read.

    Caffe's own tools leave a small database wholly in its log, where other programs look only
    after they have rewritten it; logs are read as well as tables.

    Args:
        path: The folder.

    Raises:
        FormatError: It is no LevelDB, or it is damaged; with the file and offset.

    Attributes:
        path: The path.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._manifest = read_manifest(self.path)
        self._logged = sorted(
            (change for file in self._logs() for change in log_changes(file)), key=_order
        )
        self._tables = [
            [self._table(number) for number in sorted(numbers, key=lambda n: (numbers[n][:-8], n))]
            for level, numbers in sorted(self._manifest.tables.items())
            if level > 0
        ]
        self._tables += [[self._table(n)] for n in sorted(self._manifest.tables.get(0, ()))]

    def records(self, start: int = 0) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values in the order of the keys (byte-wise), beginning with record ``start``.

        Raises:
            FormatError: A table is damaged.
        """
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[tuple[bytes, bytes]]:
        runs = [self._run(tables) for tables in self._tables]
        last = None
        for change in heapq.merge(self._logged, *runs, key=_order):
            if change.key != last and change.value is not None:
                yield change.key, change.value
            last = change.key

    def close(self) -> None:
        """Let go of what was read; the files themselves are closed already."""
        self._logged = []

    @staticmethod
    def _run(tables: list[Path]) -> Iterator[Change]:
        for table in tables:
            yield from table_changes(table)

    def _logs(self) -> list[Path]:
        """The logs that are in no table yet, in the order in which they were written."""
        numbered = {}
        for file in Path(self.path).iterdir():
            if match := re.fullmatch(r"(\d+)\.log", file.name):
                numbered[int(match[1])] = file
        wanted = self._manifest
        return [numbered[n] for n in sorted(numbered) if n >= wanted.log or n == wanted.old_log]

    def _table(self, number: int) -> Path:
        names = [Path(self.path) / f"{number:06}{suffix}" for suffix in (".ldb", ".sst")]
        found = [name for name in names if name.exists()]
        if not found:
            fail(
                self._manifest.path, f"names the table {names[0].name}, which is not in the folder"
            )
        return found[0]


def _order(change: Change) -> tuple[bytes, int]:
    return change.key, -change.sequence
