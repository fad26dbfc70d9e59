"""The import hook on made-up modules: other finders, zip files, reload, threads, failures."""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import sys
import threading
import zipfile
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from chainer_ft.compat._hook import PatchingFinder
from chainer_ft.compat._patch import CompatWarning, Patch
from chainer_ft.compat._registry import Registry


def mark(module: ModuleType) -> None:
    module.log.append("after")


def make(name: str = "p", module: str = "room.old", **changes: Any) -> Patch:
    fields: dict[str, Any] = {
        "where": "old.py:1", "reason": "It breaks.", "needed": lambda: True, "apply": mark,
    }  # fmt: skip
    return Patch(name, module, **{**fields, **changes})


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A package `room` on the path, and a function that hooks patches in."""
    package = tmp_path / "room"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "old.py").write_text("log = ['body']\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    importlib.invalidate_caches()

    def hook(*patches: Patch) -> Registry:
        registry = Registry(patches)
        sys.meta_path.insert(0, PatchingFinder(registry))
        return registry

    yield SimpleNamespace(hook=hook, path=tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "room"]:
        del sys.modules[name]


def load(name: str = "room.old") -> Any:
    return importlib.import_module(name)


def state(registry: Registry) -> str:
    return registry.status()[0].state


def test_applies_after_the_body(house: Any) -> None:
    registry = house.hook(make())
    assert state(registry) == "waiting"
    assert load().log == ["body", "after"]
    assert state(registry) == "applied"


def test_before_and_around(house: Any) -> None:
    (house.path / "room" / "old.py").write_text("import room\nlog = list(room.log)\n")
    room = load("room")
    room.log = []

    def around(module: ModuleType) -> Any:
        room.log.append("lent")
        return room.log.clear

    registry = house.hook(
        make("b", apply=lambda module: room.log.append("set"), when="before"),
        make("a", apply=around, when="around"),
    )
    assert load().log == ["set", "lent"]
    assert room.log == []
    assert [patch.state for patch in registry.status()] == ["applied", "applied"]


def test_instead_of_the_body(house: Any) -> None:
    (house.path / "room" / "old.py").write_text("raise SystemError('the old body ran')\n")
    house.hook(make(apply=lambda module: setattr(module, "log", ["new"]), when="instead"))
    assert load().log == ["new"]


def test_a_missing_module(house: Any) -> None:
    house.hook(make(module="room.gone", apply=lambda m: setattr(m, "x", 1), when="missing"))
    assert load("room.gone").x == 1
    assert load("room").gone.x == 1


def test_a_missing_module_that_is_there(house: Any) -> None:
    registry = house.hook(make(when="missing"))
    assert load().log == ["body"]
    assert state(registry) == "not needed"


def test_a_missing_module_that_is_not_wanted(house: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("CHAINER_FT_COMPAT_SKIP", "p")
    house.hook(make(module="room.gone", when="missing"))
    assert importlib.util.find_spec("room.gone") is None
    with pytest.raises(ModuleNotFoundError):
        load("room.gone")


def test_a_missing_module_that_cannot_be_rebuilt(house: Any) -> None:
    house.hook(make(module="room.gone", apply=lambda m: m.nothing, when="missing"))
    with pytest.warns(CompatWarning, match="nothing"), pytest.raises(ModuleNotFoundError):
        load("room.gone")


def test_not_needed(house: Any) -> None:
    registry = house.hook(make(needed=lambda: False))
    assert load().log == ["body"]
    assert state(registry) == "not needed"


@pytest.mark.parametrize("names", ["p", " q , p", "all"])
def test_switched_off(house: Any, monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    monkeypatch.setenv("CHAINER_FT_COMPAT_SKIP", names)
    registry = house.hook(make())
    assert load().log == ["body"]
    assert state(registry) == "disabled"


@pytest.mark.parametrize("part", ["needed", "apply"])
def test_a_failing_patch_costs_only_itself(house: Any, part: str) -> None:
    def fail(*module: ModuleType) -> Any:
        raise KeyError("gone")

    registry = house.hook(make("bad", **{part: fail}), make("good"))
    with pytest.warns(CompatWarning, match=r"bad of room\.old failed .*It breaks\..*=bad"):
        assert load().log == ["body", "after"]
    bad, good = registry.status()
    assert (bad.state, bad.error, good.state) == ("failed", "KeyError: 'gone'", "applied")


def test_a_failing_patch_warns_once(house: Any, recwarn: pytest.WarningsRecorder) -> None:
    house.hook(make(apply=lambda module: module.nothing))
    importlib.reload(load())
    assert [w.category for w in recwarn] == [CompatWarning]


def test_a_failing_patch_under_error_filters(house: Any, capsys: Any) -> None:
    registry = house.hook(make(apply=lambda module: module.nothing))
    assert load().log == ["body"]  # pytest turns warnings into errors here
    assert state(registry) == "failed"
    assert "the patch p of room.old failed" in capsys.readouterr().err


def test_a_failing_replacement_falls_back_on_the_body(house: Any) -> None:
    house.hook(make(apply=lambda module: module.nothing, when="instead"))
    with pytest.warns(CompatWarning):
        assert load().log == ["body"]


def test_an_error_in_the_body_is_the_modules_own(house: Any) -> None:
    (house.path / "room" / "old.py").write_text("log = []\nraise ValueError('own')\n")
    undone: list[str] = []
    house.hook(make(when="around", apply=lambda module: lambda: undone.append("x")))
    with pytest.raises(ValueError, match="own"):
        load()
    assert undone == ["x"]
    assert "room.old" not in sys.modules


def test_the_module_keeps_its_own_loader(house: Any) -> None:
    plain = PathFinder.find_spec("room.old", [str(house.path / "room")])
    house.hook(make())
    module = load()
    assert plain is not None
    assert type(module.__loader__) is type(module.__spec__.loader) is type(plain.loader)
    assert module.__spec__.origin == module.__file__
    assert linecache.getline(module.__file__, 1, vars(module)) == "log = ['body']\n"


def test_reload_patches_again(house: Any) -> None:
    house.hook(make())
    assert importlib.reload(load()).log == ["body", "after"]


def test_zip_files(house: Any) -> None:
    archive = house.path / "room.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("__init__", "old", "other"):
            file.writestr(f"room/{name}.py", "log = ['zipped']\n")
    sys.path.insert(0, str(archive))
    house.hook(make())
    assert load().log == ["zipped", "after"]
    assert load("room.other").log == ["zipped"]
    assert load().__loader__.archive == str(archive)


def test_other_import_hooks_behind_it_still_work(house: Any) -> None:
    class Upper:
        """Serves the module itself, after asking the whole chain for it."""

        def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
            if name != "room.old" or self in asked:
                return None
            asked.append(self)
            assert importlib.util.find_spec(name) is not None
            return importlib.util.spec_from_loader(name, self)

        def create_module(self, spec: Any) -> None:
            return None

        def exec_module(self, module: Any) -> None:
            module.log = ["upper"]

    asked: list[Any] = []
    upper = Upper()
    sys.meta_path.insert(0, upper)
    house.hook(make())
    assert load().log == ["upper", "after"]
    assert load().__loader__ is upper


def test_finders_of_the_old_kind_are_passed_over(house: Any) -> None:
    load("room")
    sys.meta_path.insert(0, SimpleNamespace())  # Python 3.11 and before knew find_module
    house.hook(make())
    assert load().log == ["body", "after"]


def test_an_unknown_module_is_not_found(house: Any) -> None:
    house.hook(make(module="room.nowhere"))
    with pytest.raises(ModuleNotFoundError, match=r"room\.nowhere"):
        load("room.nowhere")


def test_threads_see_the_patched_module_only(house: Any) -> None:
    body = "import time\nlog = ['body']\ntime.sleep(0.05)\n"
    (house.path / "room" / "old.py").write_text(body)
    house.hook(make())
    seen: list[list[str]] = []
    threads = [threading.Thread(target=lambda: seen.append(list(load().log))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["body", "after"]] * 8
