"""``chainer-ft plugins``: what there is, and what is wrong."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from chainer_ft.cli.plugins import VERB
from chainer_ft.host import Host, hookimpl, set_default_host
from chainer_ft.host.selection import Selection
from chainer_ft.types import ExtensionFactory


@hookimpl
def chainer_ft_trainer_extensions() -> list[ExtensionFactory]:
    return [ExtensionFactory("thaw", "unfreeze step by step", lambda **options: None)]


@hookimpl
def failing_savers() -> list[Any]:
    raise ImportError("no such library")


@pytest.fixture
def host() -> Iterator[Host]:
    selection = Selection(blocked=frozenset({"builtin.policies"}))
    host = Host(selection, installed=False, warn=lambda sentence: None)
    good = SimpleNamespace(chainer_ft_trainer_extensions=chainer_ft_trainer_extensions)
    host.register(good, "good")
    host.register(SimpleNamespace(chainer_ft_savers=failing_savers), "bad")
    set_default_host(host)
    yield host
    set_default_host(None)


def show(capsys: Any, *arguments: str) -> str:
    parser = ArgumentParser()
    VERB.add_arguments(parser)
    assert VERB.run(parser.parse_args(arguments)) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return str(shown.out)


def test_every_plugin_has_a_line_with_its_state(host: Host, capsys: Any) -> None:
    lines = show(capsys).splitlines()
    states = {line.split(" (")[0]: line.partition(")")[2].split()[0] for line in lines[1:7]}
    assert states == {
        "builtin.extensions": "active",
        "builtin.formats": "active",
        "builtin.policies": "blocked",
        "builtin.verbs": "active",
        "good": "active",
        "bad": "broken",
    }


def test_every_thing_stands_under_its_kind_with_its_plugin(host: Host, capsys: Any) -> None:
    text = show(capsys)
    assert re.search(r"\nextensions\n(  .*\n)*  thaw +unfreeze step by step +\(good\)\n", text)
    assert "\npolicies\n" not in text
    assert "loader npz, " in text


def test_what_is_wrong_comes_last(host: Host, capsys: Any) -> None:
    last = show(capsys).splitlines()[-1]
    assert last == "problem: plugin bad (registered by hand): ImportError: no such library"


def test_json(host: Host, capsys: Any) -> None:
    data = json.loads(show(capsys, "--json"))
    assert data["schema"] == "chainer_ft.plugins/1"
    plugins = {one["name"]: one for one in data["plugins"]}
    assert plugins["builtin.policies"]["state"] == "blocked"
    assert plugins["good"]["provides"] == ["extension thaw"]
    thaw = {
        "kind": "extension",
        "name": "thaw",
        "summary": "unfreeze step by step",
        "plugin": "good",
    }
    assert thaw in data["items"]
    assert data["problems"] == ["plugin bad (registered by hand): ImportError: no such library"]
