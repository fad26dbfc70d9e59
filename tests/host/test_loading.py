"""From entry points to plugins: real distributions, found by importlib.metadata."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chainer_ft import HOOK_API
from chainer_ft.host.loading import Loaded, load_entry_points
from chainer_ft.host.selection import Selection

POLICY = """
@hookimpl
def chainer_ft_match_policies():
    return [MatchPolicy("odd", "an odd one", lambda source, target: [])]
"""


def load(selection: Selection | None = None) -> dict[str, Loaded]:
    found = load_entry_points(selection or Selection())
    return {loaded.record.distribution: loaded for loaded in found}


def test_a_plugin_is_loaded_with_its_distribution(install: Callable[..., str]) -> None:
    module = install(POLICY)
    loaded = load()["odd-plugin"]
    record = loaded.record
    assert (record.name, record.version, record.state) == ("odd", "1.2", "active")
    assert getattr(loaded.plugin, "__name__", "") == module


def test_an_entry_point_may_name_an_object(install: Callable[..., str]) -> None:
    code = "class Plugin:\n    @hookimpl\n    def chainer_ft_savers(self):\n        return []\n"
    install(f"{code}plugin = Plugin()\n", entry="{}:plugin")
    assert type(load()["odd-plugin"].plugin).__name__ == "Plugin"


def test_what_is_blocked_is_not_imported(install: Callable[..., str]) -> None:
    install("raise ImportError")
    loaded = load(Selection(blocked=frozenset({"odd-plugin"})))["odd-plugin"]
    assert (loaded.record.state, loaded.record.cause) == ("blocked", "blocked by -p no:odd-plugin")
    assert loaded.plugin is None


def test_a_newer_hook_api_is_skipped_with_a_sentence(install: Callable[..., str]) -> None:
    install(f"HOOK_API = {HOOK_API + 1}\n{POLICY}")
    record = load()["odd-plugin"].record
    assert record.state == "skipped"
    assert record.cause == "made for hook API 2, this is 1; update chainer-ft"


@pytest.mark.parametrize("api", [HOOK_API, HOOK_API - 1])
def test_the_same_hook_api_or_an_older_one_is_loaded(api: int, install: Callable[..., str]) -> None:
    install(f"HOOK_API = {api}\n{POLICY}")
    assert load()["odd-plugin"].record.state == "active"


def test_a_broken_plugin_does_not_keep_others_away(install: Callable[..., str]) -> None:
    install("import no_such_module", distribution="a-broken")
    install(POLICY, distribution="b-good")
    found = load()
    assert [loaded.record.state for loaded in found.values()] == ["broken", "active"]
    assert found["a-broken"].record.cause == (
        "ModuleNotFoundError: No module named 'no_such_module'"
    )


def test_a_damaged_entry_points_txt_hides_nobody_else(
    install: Callable[..., str], site: Path
) -> None:
    install(POLICY)
    install(POLICY, distribution="damaged")
    damaged = next(site.glob("damaged-*")) / "entry_points.txt"
    damaged.write_text("[chainer_ft]\nthis is no assignment\n", encoding="utf-8")
    assert load()["odd-plugin"].record.state == "active"


def test_a_distribution_without_metadata_is_loaded(install: Callable[..., str], site: Path) -> None:
    install(POLICY)
    (next(site.glob("odd_plugin-*")) / "METADATA").unlink()
    record = next(iter(load().values())).record
    assert (record.name, record.state) == ("odd", "active")


def test_an_installed_copy_hides_an_older_one(
    install: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(POLICY, version="1.0")
    older = tmp_path / "older"
    older.mkdir()
    (tmp_path / "site" / "odd_plugin-1.0.dist-info").rename(older / "odd_plugin-1.0.dist-info")
    install(POLICY, version="2.0")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert [loaded.record.version for loaded in load_entry_points(Selection())] == ["2.0"]
