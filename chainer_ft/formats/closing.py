"""What was opened is closed where opening goes wrong further on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar


class Closable(Protocol):
    """A file, or a source."""

    def close(self) -> object:
        """Give it back."""


T = TypeVar("T", bound=Closable)


@contextmanager
def closed_on_error(opened: T) -> Iterator[T]:
    """Close it if the block fails; else it stays open, for whom the block has given it to.

    Example:
        >>> import io
        >>> with closed_on_error(io.BytesIO(b"weights")) as file:
        ...     head = file.read(3)
        >>> head, file.closed
        (b'wei', False)
    """
    try:
        yield opened
    except BaseException:
        opened.close()
        raise
