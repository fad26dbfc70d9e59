"""What rides along to processes that multiprocessing starts afresh."""

from __future__ import annotations

import importlib
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chainer_ft import compat
from chainer_ft.compat import _child
from chainer_ft.compat._patches import numpy_aliases, spawn


def test_the_preparation_data_is_only_added_to() -> None:
    plain = {"name": "worker", "sys_path": ["x"]}
    module: Any = SimpleNamespace(get_preparation_data=lambda name: dict(plain))
    spawn._extend_preparation_data(module)
    data = module.get_preparation_data("worker")
    assert isinstance(data.pop("chainer_ft"), spawn.RideAlong)
    assert data == plain


@pytest.mark.parametrize("requested", [False, True])
def test_unpickling_installs(monkeypatch: pytest.MonkeyPatch, requested: bool) -> None:
    monkeypatch.setattr(numpy_aliases, "_requested", requested)
    data = pickle.dumps(spawn.RideAlong())
    calls: list[str] = []
    monkeypatch.setattr(compat, "install", lambda: calls.append("install"))
    monkeypatch.setattr(compat, "legacy_aliases", lambda: calls.append("aliases"))
    pickle.loads(data)
    assert calls == ["install", "aliases"][: 1 + requested]


def test_the_parents_chainer_ft_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_child.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    _child.arrive(legacy_aliases=False)
    assert sys.path[0] == str(Path(compat.__file__).parents[2])


def test_from_a_zip_file_it_is_imported_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_child, "__file__", "room.zip/chainer_ft/compat/_child.py")
    assert spawn.RideAlong().__reduce__() == (importlib.import_module, ("chainer_ft",))
