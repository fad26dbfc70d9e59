"""Plugins by key, called one at a time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chainer_ft.errors import PluginError
from chainer_ft.host import hookimpl
from chainer_ft.host.loading import Loaded
from chainer_ft.host.records import PluginRecord
from chainer_ft.host.registry import Registry


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def registry(said: list[str]) -> Registry:
    return Registry(["builtin.x"], False, said.append)


def loaded(name: str, distribution: str = "d", answer: Any = ()) -> Loaded:
    @hookimpl
    def chainer_ft_savers() -> Any:
        return answer

    plugin = SimpleNamespace(chainer_ft_savers=chainer_ft_savers)
    return Loaded(PluginRecord(name, distribution, "1", "active"), plugin)


def test_a_plugin_is_called_alone_and_drained(registry: Registry) -> None:
    registry.add(loaded("a", answer=(number for number in (1, 2))))
    registry.add(loaded("b", answer=[3]))
    assert list(registry) == ["a", "b"]
    assert registry.call("a", "chainer_ft_savers") == [[1, 2]]
    assert registry.call("b", "chainer_ft_savers") == [[3]]
    assert registry.call("b", "chainer_ft_match_policies") == []


def test_a_name_that_is_taken_gets_the_distribution(registry: Registry) -> None:
    for distribution in ("one", "two", "two"):
        registry.add(loaded("odd", distribution))
    assert list(registry) == ["odd", "odd of two", "odd of two of two"]
    assert registry.names() == ["odd", "one", "odd", "two", "odd", "two"]


def test_a_plugin_is_taken_in_once(registry: Registry, said: list[str]) -> None:
    first = loaded("a")
    registry.add(first)
    registry.add(Loaded(PluginRecord("again", "e", "2", "active"), first.plugin))
    assert list(registry) == ["a"]
    assert said == ["plugin again (e 2): is plugin a again"]


def test_what_could_not_be_loaded_is_said_and_listed(registry: Registry, said: list[str]) -> None:
    record = PluginRecord("bad", "d", "1", "broken", "ImportError: no")
    registry.add(Loaded(record, error=ImportError("no")))
    assert list(registry) == []
    assert registry.records == {"bad": record}
    assert said == ["plugin bad (d 1): ImportError: no"]


def test_blame_is_recorded_and_said_once_for_each_cause(
    registry: Registry, said: list[str]
) -> None:
    registry.add(loaded("a"))
    for error in (KeyError("x"), KeyError("x"), ValueError("y")):
        registry.blame("a", error)
    assert said == ["plugin a (d 1): KeyError: 'x'", "plugin a (d 1): ValueError: y"]
    assert registry.records["a"].state == "broken"
    registry.record_failure("a", OSError("z"))
    assert (len(said), registry.records["a"].cause) == (2, "OSError: z")


def test_strict(said: list[str]) -> None:
    registry = Registry([], True, said.append)
    registry.add(loaded("a"))
    error = KeyError("x")
    with pytest.raises(PluginError, match=r"plugin a \(d 1\): KeyError: 'x'") as caught:
        registry.blame("a", error)
    assert caught.value.__cause__ is error
    assert said == []
