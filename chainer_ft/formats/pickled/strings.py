"""Strings of a pickle, decoded when they are asked for, in pieces."""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Iterator
from typing import Any

from chainer_ft.errors import FormatError
from chainer_ft.formats.pickled.records import Raw

#: A name, or a text among the weights.
LONGEST_TEXT = 1000
_PIECE = 1 << 20
_LONGEST_ESCAPE = 4  # \x41, \101
# An escape that the end of a piece may have cut in two.
_CUT_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]?|[0-7]{1,2})?\Z")


def short_text(data: Any, raw: Any, limit: int = LONGEST_TEXT) -> str | None:
    """A short string as text; ``None`` for anything else.

    Python 2 did not say whether a str is text; names are read as UTF-8, or else as Latin-1.
    """
    if isinstance(raw, str):
        return raw
    if not isinstance(raw, Raw) or len(raw) > limit:
        return None
    stored = bytes(data[raw.start : raw.end])
    try:
        if raw.coding == "unicode":
            return stored.decode("raw-unicode-escape")
        if raw.coding == "escaped":
            stored = _unescaped(stored)
        return stored.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return stored.decode("latin-1")
    except ValueError:
        return None


def pieces(data: Any, raw: Raw, as_latin1: bool, where: str) -> Iterator[bytes]:
    """The bytes that a string stands for.

    Args:
        data: The stream.
        raw: The string.
        as_latin1: It is text that stands for bytes (``_codecs.encode(text, 'latin1')``).
        where: For messages.

    Raises:
        FormatError: It stands for no bytes.
    """
    try:
        if raw.coding == "escaped":
            yield from _unescaped_pieces(data, raw)
        elif as_latin1:
            name = "raw_unicode_escape" if raw.coding == "unicode" else "utf-8"
            yield from _latin1_pieces(data, raw, name)
        else:
            for start in range(raw.start, raw.end, _PIECE):
                yield data[start : min(start + _PIECE, raw.end)]
    except ValueError as error:  # UnicodeError is one
        raise FormatError(f"{where}: its bytes cannot be decoded: {error}") from error


def _latin1_pieces(data: Any, raw: Raw, name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)()
    for start in range(raw.start, raw.end, _PIECE):
        end = min(start + _PIECE, raw.end)
        yield decoder.decode(data[start:end], end == raw.end).encode("latin-1")


def _unescaped_pieces(data: Any, raw: Raw) -> Iterator[bytes]:
    start = raw.start
    while start < raw.end:
        end = min(start + _PIECE, raw.end)
        piece = bytes(data[start:end])
        if end < raw.end:
            piece = _whole_escapes(piece)
        yield _unescaped(piece)
        start += len(piece)


def _whole_escapes(piece: bytes) -> bytes:
    """Without the beginning of an escape at its end; a pair of backslashes is whole."""
    cut = _CUT_ESCAPE.search(piece, max(len(piece) - _LONGEST_ESCAPE + 1, 0))
    if cut is None:
        return piece
    before = piece[: cut.start()]
    backslashes = len(before) - len(before.rstrip(b"\\"))
    return piece if backslashes % 2 else before


def _unescaped(stored: bytes) -> bytes:
    if b"\\" not in stored:
        return stored
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bytes(codecs.escape_decode(stored)[0])
