"""How features lie in their file."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

SCHEMA = "chainer_ft.features/1"
_PAGE = 4096


@dataclass(frozen=True)
class Column:
    """What is kept of each sample.

    Args:
        shape: Shape of one row.
        dtype: Its dtype, as text.
    """

    shape: tuple[int, ...]
    dtype: str

    @property
    def nbytes(self) -> int:
        """Bytes of one row."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def places(columns: Sequence[Column], rows: int, start: int) -> list[int]:
    """Where each column begins, and what follows them.

    Example:
        >>> places([Column((2,), "<f4"), Column((), "<i4")], rows=3, start=4096)
        [4096, 8192, 12288]
    """
    found = [start]
    for column in columns:
        found.append(_page(found[-1] + rows * column.nbytes))
    return found


def header(key: str, columns: Sequence[Column], rows: int, chunk: int) -> bytes:
    """The beginning of a file: whoever finds the same bytes has found the same file."""
    facts = {
        "schema": SCHEMA,
        "key": key,
        "columns": [asdict(c) for c in columns],
        "rows": rows,
        "chunk": chunk,
    }
    text = json.dumps(facts).encode()
    return text.ljust(_page(len(text)), b"\n")


def _page(place: int) -> int:
    return -(-place // _PAGE) * _PAGE
