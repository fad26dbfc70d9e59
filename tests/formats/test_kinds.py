"""Parameters and persistents, told apart without being told."""

from __future__ import annotations

import numpy as np
import pytest

from chainer_ft.formats.kinds import infer_kinds
from chainer_ft.types import Entry

DTYPES = {"f": np.dtype("f4"), "d": np.dtype("f8"), "i": np.dtype("i8"), "b": np.dtype("?")}


def persistents(text: str) -> list[str]:
    """Of entries like ``/bn/N:i()``; a dtype is f, d, i or b, ``()`` is a scalar."""
    entries = []
    for word in text.split():
        path, _, spec = word.partition(":")
        shape = () if spec.endswith("()") else (3,)
        entries.append(Entry(path, shape, DTYPES[spec[:1] or "f"]))
    return [entry.path for entry in infer_kinds(entries) if entry.kind == "persistent"]


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ("/fc/W /fc/b", []),
        ("/bn/gamma /bn/beta /bn/avg_mean /bn/avg_var /bn/N:i()", "all but 2"),
        ("/bn/N:i() /bn/avg_mean /bn/beta /bn/gamma", ["/bn/N", "/bn/avg_mean"]),
        ("/scale /mean_pixel", ["/mean_pixel"]),
        ("/fc/W /fc/running_var", ["/fc/running_var"]),
        ("/W:f()", []),  # a parameter of one number
        ("/best:d()", ["/best"]),  # a Python float
        ("/seen:i() /later", ["/seen", "/later"]),  # persistents come after parameters
        ("/flag:b /a/W", ["/flag"]),
        ("/s_a:i() /fc/W /s_b /p_a", ["/s_a", "/s_b"]),  # order is lost: siblings of a prefix
    ],
)  # fmt: skip
def test_kinds(entries: str, wanted: list[str] | str) -> None:
    if wanted == "all but 2":
        wanted = [word.partition(":")[0] for word in entries.split()][2:]
    assert persistents(entries) == wanted


def test_what_an_optimizer_trains_is_a_parameter() -> None:
    entries = [Entry("/mean", (3,), DTYPES["f"])]
    assert infer_kinds(entries)[0].kind == "persistent"
    assert infer_kinds(entries, known={"/mean"})[0].kind == "param"


def test_nothing_else_changes() -> None:
    entries = [Entry("/a/W", (2,), DTYPES["f"], note="x"), Entry("/a/b", None, None)]
    assert infer_kinds(entries) == tuple(entries)
