"""The stand-in for pkg_resources compares versions as Chainer's test helpers ask."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from chainer_ft.compat._patches import pkg_resources as ours


@pytest.mark.parametrize(
    ("version", "clause", "met"),
    [
        ("1.10", ">=1.9", True),
        ("1.10", "<1.9", False),
        ("2", "==2.0.0", True),
        ("2.0.1", "!=2.0", True),
        ("2.0.1", "<=2.0", False),
        ("2.0.1", ">2", True),
        ("2.3.1", "==2.3.*", True),
        ("2.3.1", "!=2.3.*", False),
        ("1.4.5", "~=1.4.2", True),
        ("1.5.0", "~=1.4.2", False),
        ("3.0.0rc1", ">=3.0", True),
    ],
)
def test_clauses(version: str, clause: str, met: bool) -> None:
    assert ours.satisfies(version, clause) is met


def test_a_clause_that_is_none() -> None:
    with pytest.raises(ValueError, match="'=>1' is no version clause"):
        ours.satisfies("1", "=>1")


def test_requirements() -> None:
    working_set = ours.WorkingSet()
    working_set.require("numpy", "numpy>=1.9,<99", "numpy[extra] (>=1.9) ; python_version > '2'")
    with pytest.raises(ours.VersionConflict, match=r"numpy<1\.0 is asked for"):
        working_set.require("numpy<1.0")
    with pytest.raises(ours.DistributionNotFound):
        working_set.require("no-such-distribution>=1")
    with pytest.raises(ValueError, match="no requirement"):
        working_set.require("<1")


def test_a_real_pkg_resources_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ModuleType("pkg_resources")
    monkeypatch.setitem(sys.modules, "pkg_resources", real)
    take_back = ours._lend(ModuleType("chainer.testing.helper"))
    assert sys.modules["pkg_resources"] is real
    take_back()
    assert sys.modules["pkg_resources"] is real


def test_the_stand_in_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pkg_resources", raising=False)
    take_back = ours._lend(ModuleType("chainer.testing.helper"))
    assert sys.modules["pkg_resources"].WorkingSet is ours.WorkingSet
    take_back()
    assert "pkg_resources" not in sys.modules
