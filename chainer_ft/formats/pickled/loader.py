"""``.pkl``: the loader, and what may be wrapped around a pickle."""

from __future__ import annotations

import re

from chainer_ft.types import Source, SourceLoader

_HEAD = re.compile(
    rb"\x80[\x02-\x05]|\(dp?\d?\n|\(lp?\d?\n|[c(](?:i)?[\w.]+\n[\w.]+\n|\(c?[\w.]+\n|\]|\}|\)"
)


def detect(head: bytes, path: str) -> float:
    """Whether this begins like a pickle; a protocol byte is sure, older ones are likely."""
    if re.match(rb"\x80[\x02-\x05]", head):
        return 0.0 if _is_torch(head) else 0.8
    if _HEAD.match(head):
        return 0.45
    return 0.0


def _is_torch(head: bytes) -> bool:
    """PyTorch's old files begin with a pickle of this number."""
    return b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" in head[:64]


def open_pickle(path: str) -> Source:
    """Open a pickle as data."""
    from chainer_ft.formats.mapped import MappedFile
    from chainer_ft.formats.pickled.source import PickleSource

    file = MappedFile(path)
    try:
        return PickleSource(path, file)
    except BaseException:
        file.close()
        raise


LOADER = SourceLoader(
    "pickle",
    "Python pickles of Chainer 1.0 to 7, as data: nothing in them is run",
    (".pkl", ".pickle", ".chainermodel"),
    detect,
    open_pickle,
)
