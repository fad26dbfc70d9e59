"""Old names for old scripts, on request only: Chainer itself does not need them.

Set by `chainer_ft.compat.legacy_aliases`, which ``chainer-ft run`` calls. They are set when
NumPy is imported, so that a script without NumPy does not wait for it.
"""

from __future__ import annotations

import collections
import time
from collections import abc
from types import ModuleType
from typing import Any

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._probe import lacks

_PYTHON_TYPES: dict[str, type] = {
    "bool": bool, "int": int, "float": float, "complex": complex, "object": object, "str": str,
    "long": int, "unicode": str,
}  # fmt: skip

#: Old name -> today's, both in NumPy.
_RENAMED = {
    "bool8": "bool_", "object0": "object_", "str0": "str_", "bytes0": "bytes_", "void0": "void",
    "float_": "float64", "complex_": "complex128", "cfloat": "complex128",
    "singlecomplex": "complex64", "longfloat": "longdouble", "longcomplex": "clongdouble",
    "clongfloat": "clongdouble", "string_": "bytes_", "unicode_": "str_",
    "int0": "intp", "uint0": "uintp",
    "Inf": "inf", "Infinity": "inf", "infty": "inf", "PINF": "inf", "NaN": "nan", "NAN": "nan",
    "product": "prod", "cumproduct": "cumprod", "alltrue": "all", "sometrue": "any",
    "row_stack": "vstack", "round_": "round", "trapz": "trapezoid", "mat": "asmatrix",
}  # fmt: skip

#: Moved into ``numpy.exceptions`` by NumPy 1.25.
_EXCEPTIONS = ("AxisError", "ComplexWarning", "RankWarning", "VisibleDeprecationWarning")

_requested = False


def request() -> None:
    """Ask for the aliases in this process and in those that it starts."""
    global _requested
    _requested = True
    _alias_standard_library()


def requested() -> bool:
    """Whether the aliases were asked for."""
    return _requested


def _alias_standard_library() -> None:
    """Python 3.3 to 3.11 removed these; scripts for Chainer 1 to 7 use them."""
    import inspect

    for name in abc.__all__:
        _set(collections, name, getattr(abc, name))
    _set(time, "clock", time.perf_counter)
    _set(inspect, "getargspec", inspect.getfullargspec)


def alias_numpy(numpy: Any) -> None:
    """Give NumPy the names that it had when Chainer 7 was written; existing ones stay."""
    for name, value in _PYTHON_TYPES.items():
        _set(numpy, name, value)
    for old, new in _RENAMED.items():
        if hasattr(numpy, new):
            _set(numpy, old, getattr(numpy, new))
    for name in _EXCEPTIONS:
        if hasattr(numpy, "exceptions"):
            _set(numpy, name, getattr(numpy.exceptions, name))
    for name, value in _values(numpy).items():
        _set(numpy, name, value)


def _values(np: Any) -> dict[str, Any]:
    """Names without a successor of the same meaning."""
    from chainer_ft.compat._patches.numpy_names import sctypes

    return {
        "NINF": -np.inf,
        "PZERO": 0.0,
        "NZERO": -0.0,
        "sctypes": sctypes(),
        "in1d": lambda ar1, ar2, **options: np.isin(np.ravel(ar1), ar2, **options),
        "asscalar": lambda a: a.item(),
        "asfarray": lambda a, dtype=np.float64: np.asarray(a, dtype),
        "msort": lambda a: np.sort(a, axis=0),
        "issubclass_": lambda arg1, arg2: isinstance(arg1, type) and issubclass(arg1, arg2),
        "find_common_type": lambda arrays, scalars: np.result_type(*arrays, *scalars),
    }


def _set(module: ModuleType, name: str, value: Any) -> None:
    if lacks(module, name):
        setattr(module, name, value)


PATCHES = (
    Patch(
        name="legacy-aliases",
        module="numpy",
        where="examples/ and scripts of users; chainer/functions/array/where.py:76",
        reason="Old scripts use np.float, np.int, np.bool and other names that NumPy removed; "
        "only `chainer-ft run` and legacy_aliases() bring them back.",
        needed=requested,
        apply=alias_numpy,
        when="after",
    ),
)
