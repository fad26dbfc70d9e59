"""``.pkl`` as a saver: existing pickles are filled, none is made."""

from __future__ import annotations

from typing import Any

from chainer_ft.types import Saver, Source


def save(path: str, source: Source, *, provenance: Any = None, compress: bool = False) -> None:
    """Fill a pickle; see :func:`chainer_ft.formats.pickled.patching.save`."""
    from chainer_ft.formats.pickled import patching

    patching.save(path, source, provenance=provenance, compress=compress)


def check(path: str, base: Source | None) -> None:
    """Raise where there is no pickle to fill."""
    from chainer_ft.formats.pickled import patching

    patching.checked(path, base)


SAVER = Saver(
    "pickle",
    "fills the arrays of an existing pickle, everything else as it was",
    (".pkl", ".pickle", ".chainermodel"),
    save,
    check,
)
