"""Catching up with what was imported before, and the bookkeeping."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from chainer_ft.compat._patch import CompatWarning, Patch
from chainer_ft.compat._registry import Registry


def make(name: str, **changes: Any) -> Patch:
    fields: dict[str, Any] = {
        "module": "early_bird", "where": "x.py:1", "reason": "It breaks.",
        "needed": lambda: True, "apply": lambda module: module.log.append(name),
    }  # fmt: skip
    return Patch(name, **{**fields, **changes})


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that was imported before chainer_ft."""
    module: Any = ModuleType("early_bird")
    module.log = []
    monkeypatch.setitem(sys.modules, "early_bird", module)
    return module


def test_catches_up_once(early: Any) -> None:
    registry = Registry([make("before", when="before"), make("after")])
    registry.catch_up()
    registry.catch_up()
    assert early.log == ["before", "after"]


@pytest.mark.parametrize("when", ["around", "instead", "missing"])
def test_what_was_imported_without_help_needs_none(early: Any, when: Any) -> None:
    registry = Registry([make("p", when=when)])
    registry.catch_up()
    assert early.log == []
    assert registry.status()[0].state == "not needed"


def test_a_module_that_passed_by_the_hook_is_reported(early: Any) -> None:
    early.__spec__ = None
    registry = Registry([make("p")])
    (status,) = registry.status()
    assert status.state == "failed"
    assert "install()" in status.error


def test_a_module_whose_import_is_under_way_is_waiting(early: Any) -> None:
    early.__spec__ = type("Spec", (), {"_initializing": True})()
    assert Registry([make("p")]).status()[0].state == "waiting"


def test_an_unknown_name_to_skip_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINER_FT_COMPAT_SKIP", "numpy-flot,all")
    registry = Registry([make("numpy-float")])
    with pytest.warns(CompatWarning, match="'numpy-flot'.*did you mean numpy-float?"):
        registry.check_skipped()
    registry.check_skipped()
