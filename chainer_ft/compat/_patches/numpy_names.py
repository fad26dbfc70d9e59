"""Names that NumPy removed and Chainer itself uses.

They are set on the ``numpy`` module: Chainer compares ``xp is numpy``, so a stand-in for the
module in Chainer's namespace would be taken for CuPy.
"""

from __future__ import annotations

from types import ModuleType

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._probe import numpy_lacks


def sctypes() -> dict[str, list[type]]:
    """The table of scalar types as NumPy 1 had it."""
    import numpy as np

    return {
        "int": [np.int8, np.int16, np.int32, np.int64],
        "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
        "float": [np.float16, np.float32, np.float64, np.longdouble],
        "complex": [np.complex64, np.complex128, np.clongdouble],
        "others": [bool, object, bytes, str, np.void],
    }


def _set_sctypes(module: ModuleType) -> None:
    import numpy

    numpy.sctypes = sctypes()  # type: ignore[attr-defined]


def _set_float(module: ModuleType) -> None:
    import numpy

    numpy.float = float  # type: ignore[attr-defined]


PATCHES = (
    Patch(
        name="numpy-sctypes",
        module="chainer.functions.array.as_strided",
        where="chainer/functions/array/as_strided.py:10, :252",
        reason="NumPy 2 has no numpy.sctypes, and `import chainer` stops there.",
        needed=numpy_lacks("sctypes"),
        apply=_set_sctypes,
        when="before",
    ),
    Patch(
        name="numpy-float",
        module="chainer.functions.array.resize_images",
        where="chainer/functions/array/resize_images.py:179-196",
        reason="NumPy 1.24 removed numpy.float, and F.resize_images stops there.",
        needed=numpy_lacks("float"),
        apply=_set_float,
        when="before",
    ),
)
