"""The rooms: who may import whom, and which rooms may import Chainer."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import chainer_ft

ROOT = Path(chainer_ft.__file__).parent

#: From the ground up: a room imports what stands before it, and itself. Two on one line are equal.
ROOMS = [
    {"errors", "lazy"},
    {"compat"},
    {"types", "select"},
    {"hookspecs"},
    {"planning"},
    {"host"},
    {"formats"},
    {"links"},
    {"report"},
    {"transfer"},
    {"training"},
    {"caffe"},
    {"images"},
    {"finetune"},
    {"cli", "testing"},
    {"builtin", "__main__", "__init__"},
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}

#: Rooms that may import Chainer when they are imported.
KNOW_CHAINER = {"links", "compat", "training", "caffe", "images", "finetune"}

#: Imports that go up, inside a function, and why.
UPWARD = {
    ("types", "report"): "str(plan) is the report",
    ("types", "planning"): "plan.coverage",
    ("host", "builtin"): "the built-ins are plugins",
}


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """Modules that a file imports, and whether it does so at its top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    checked = [
        n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)
    ]
    ignored = {id(n) for block in checked for n in ast.walk(block)}
    top = {id(n) for n in tree.body}
    for node in ast.walk(tree):
        if id(node) in ignored:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "chainer_ft":
                names = [f"chainer_ft.{alias.name}" for alias in node.names]
            found += [(name, id(node) in top) for name in names]
    return found


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_what_stands_before_it(path: Path) -> None:
    own = room(path)
    for name, at_top in imports(path):
        parts = name.split(".")
        if parts[0] != "chainer_ft" or len(parts) == 1 or parts[1] not in LEVEL:
            continue
        if LEVEL[parts[1]] > LEVEL[own]:
            assert not at_top and (own, parts[1]) in UPWARD, f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_some_rooms_import_chainer(path: Path) -> None:
    for name, at_top in imports(path):
        if name.split(".")[0] in ("chainer", "cupy"):
            assert room(path) in KNOW_CHAINER or not at_top, f"{path} imports {name} at its top"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_unpickled_or_evaluated(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant) and node.value.value is False, path
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("pickle.load", "pickle.loads", "pickle.Unpickler"), path
            assert called not in ("eval", "exec") or room(path) == "compat", path


#: Of the room ``caffe``: what the command line reads before it knows that it needs Chainer.
WITHOUT_CHAINER = ("__init__", "message", "prototxt", "text_", "binary_", "upgrade", "schema")


def test_prototxts_are_read_without_chainer() -> None:
    for path in FILES:
        parts = path.relative_to(ROOT).parts
        if parts[0] == "caffe" and parts[1].startswith(WITHOUT_CHAINER):
            tops = {name.split(".")[0] for name, at_top in imports(path) if at_top}
            assert not tops & {"chainer", "cupy", "numpy"}, path


def test_every_room_is_in_the_list() -> None:
    assert {room(path) for path in FILES} <= set(LEVEL)


def test_two_places_write_into_models() -> None:
    """What assigns to a parameter's array stands in the rooms that apply plans and that freeze."""
    writers = set()
    for path in FILES:
        if room(path) in ("compat", "formats"):
            continue
        text = path.read_text(encoding="utf-8")
        if ".array =" in text or "array[...] =" in text or ".initialize(" in text:
            writers.add(str(path.relative_to(ROOT)))
    assert writers == {
        "links/resizing.py",
        "links/writing.py",
        "training/tuned_parameter.py",
        "training/undo.py",
    }
