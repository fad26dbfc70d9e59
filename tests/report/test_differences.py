"""Two sources, entry by entry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.report.differences import differences


def compare(tmp_path: Path, a: dict, b: dict) -> dict[str, tuple[str, float | None]]:  # type: ignore[type-arg]
    np.savez(tmp_path / "a.npz", **a)
    np.savez(tmp_path / "b.npz", **b)
    with ft.open(tmp_path / "a.npz") as one, ft.open(tmp_path / "b.npz") as other:
        return {d.path: (d.status, d.largest) for d in differences(one, other)}


def test_each_status(tmp_path: Path) -> None:
    a = {"x": np.ones(3), "s": np.ones(2), "d": np.ones(2), "v": np.ones(2), "only": np.ones(1)}
    b = {"x": np.ones(3), "s": np.ones(3), "d": np.ones(2, "f"), "v": np.array([1, 3.5])}
    found = compare(tmp_path, a, {**b, "new": np.ones(1)})
    assert found == {
        "/x": ("equal", 0.0),
        "/s": ("shape", None),
        "/d": ("dtype", 0.0),
        "/v": ("values", 2.5),
        "/only": ("only in A", None),
        "/new": ("only in B", None),
    }


@pytest.mark.parametrize(
    ("a", "b", "status"),
    [
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), "equal"),
        (np.array([np.nan]), np.array([1.0]), "values"),
        (np.array([np.inf]), np.array([-np.inf]), "values"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "equal"),
        (np.array("cat"), np.array("cat"), "equal"),
        (np.array("cat"), np.array("dog"), "values"),
        (np.array([200], "u1"), np.array([100], "u1"), "values"),
        (np.array([True]), np.array([False]), "values"),
        (np.array(3), np.array(3), "equal"),
        (np.array(3), np.array(5.0), "dtype"),
        (np.array(np.nan), np.array(np.nan), "equal"),
        (np.array([1e308]), np.array([-1e308]), "values"),
    ],
)
def test_values(tmp_path: Path, a: np.ndarray, b: np.ndarray, status: str) -> None:
    assert compare(tmp_path, {"x": a}, {"x": b})["/x"][0] == status
