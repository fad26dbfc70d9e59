"""``.pkl``: the loader, of bare pickles and of those inside gzip, bzip2, xz or zip."""

from __future__ import annotations

import re

from chainer_ft.errors import FormatError, TruncatedError
from chainer_ft.formats.closing import closed_on_error
from chainer_ft.formats.pickled import wrapped
from chainer_ft.types import Source, SourceLoader

_SURE = re.compile(rb"\x80[\x02-\x05]")
#: Protocols 0 and 1 begin with whatever they hold: a dictionary, a list, a class.
_LIKELY = re.compile(rb"\(dp?\d*\n|\(lp?\d*\n|\(?[ci][\w.]+\n[\w.]+\n|\(c[\w.]+\n")
#: So do sentences and tables in brackets.
_PERHAPS = re.compile(rb"[\]}(]")
#: PyTorch's old files begin with a pickle of this number.
_TORCH = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"


def detect(head: bytes, path: str) -> float:
    """Whether this begins like a pickle; a protocol byte is sure, older ones are likely."""
    if wrapped.is_wrapped(head):
        inner = wrapped.begin(head, path)
        return 0.7 if _SURE.match(inner) and _TORCH not in inner else 0.3 if _bare(inner) else 0.0
    return _bare(head)


def _bare(head: bytes) -> float:
    if _SURE.match(head):
        return 0.0 if _TORCH in head[:64] else 0.8
    return 0.45 if _LIKELY.match(head) or (_PERHAPS.match(head) and _runs(head)) else 0.0


def _runs(head: bytes) -> bool:
    """Whether these are opcodes, as far as they go."""
    from chainer_ft.formats.pickled.machine import Machine

    try:
        Machine(head, "").run()
    except TruncatedError:
        return True
    except FormatError:
        return False
    return True


def open_pickle(path: str) -> Source:
    """Open a pickle as data.

    Raises:
        FormatError: It is damaged, or no pickle.
        UnsafeError: It asks for more than any model needs.
    """
    from chainer_ft.formats.mapped import MappedFile
    from chainer_ft.formats.pickled.source import PickleSource

    file = MappedFile(path)
    head = bytes(file.view[:8])
    if wrapped.is_wrapped(head):
        size = file.size
        file.close()
        file = wrapped.unpacked(head, path, size)
    with closed_on_error(file):
        return PickleSource(path, file, whole=not wrapped.is_wrapped(head))


LOADER = SourceLoader(
    "pickle",
    "Python pickles of Chainer 1.0 to 7, as data: nothing in them is run",
    (".pkl", ".pickle", ".chainermodel"),
    detect,
    open_pickle,
)
