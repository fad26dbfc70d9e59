"""Each legacy alias is what NumPy 1 had under that name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainer_ft import compat
from chainer_ft.compat._patches import numpy_aliases

REMOVED = [
    "int", "float", "complex", "object", "str", "float_", "complex_", "string_", "unicode_",
    "Inf", "NaN", "PINF", "NINF", "product", "cumproduct", "alltrue", "sometrue", "row_stack",
    "round_", "trapz", "in1d", "asscalar", "asfarray", "mat", "msort", "find_common_type",
    "AxisError", "VisibleDeprecationWarning", "ComplexWarning", "bool8", "object0", "cfloat",
]  # fmt: skip


@pytest.fixture
def old() -> Any:
    """NumPy, with the aliases, seen through a copy so that the real one stays clean."""
    names = {name: getattr(np, name) for name in np.__all__}
    namespace = SimpleNamespace(**{**names, "exceptions": np.exceptions})
    for name in REMOVED:
        namespace.__dict__.pop(name, None)
    numpy_aliases.alias_numpy(namespace)
    return namespace


def test_all_are_there(old: Any) -> None:
    assert [name for name in REMOVED if not hasattr(old, name)] == []


def test_types(old: Any) -> None:
    assert (old.int, old.float, old.str, old.long) == (int, float, str, np.long)
    assert (old.float_, old.unicode_, old.bool8) == (np.float64, np.str_, np.bool_)
    assert issubclass(old.AxisError, (ValueError, IndexError))
    assert old.sctypes["float"][:3] == [np.float16, np.float32, np.float64]


def test_values(old: Any) -> None:
    assert old.PINF == np.inf == -old.NINF
    assert np.isnan(old.NaN)
    assert np.signbit(old.NZERO)
    assert not np.signbit(old.PZERO)


def test_functions(old: Any) -> None:
    assert old.product([2, 3]) == 6
    assert old.in1d([[1, 2], [3, 4]], [2, 3]).tolist() == [False, True, True, False]
    assert old.in1d([1, 2], [2], invert=True).tolist() == [True, False]
    assert old.asscalar(np.array([5])) == 5
    assert old.asfarray([1]).dtype == np.float64
    assert old.asfarray([1], np.float32).dtype == np.float32
    assert old.msort(np.array([[2, 1], [1, 2]])).tolist() == [[1, 1], [2, 2]]
    assert old.trapz([1, 1]) == 1
    assert old.row_stack(([1], [2])).shape == (2, 1)
    assert old.find_common_type([np.float32], [np.int8]) == np.float32
    assert old.issubclass_(np.int8, np.integer)
    assert not old.issubclass_("int8", np.integer)


def test_existing_names_stay(old: Any) -> None:
    assert old.bool is np.bool_
    own = SimpleNamespace(**vars(old))
    own.float = np.float32
    numpy_aliases.alias_numpy(own)
    assert own.float is np.float32


def test_they_are_for_those_who_ask() -> None:
    (status,) = (patch for patch in compat.status() if patch.name == "legacy-aliases")
    assert status.state in ("not needed", "applied", "waiting")
    assert (status.state == "applied") <= numpy_aliases.requested()
