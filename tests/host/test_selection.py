"""Blocking by entry point, by distribution, by the environment."""

from __future__ import annotations

import pytest

from chainer_ft.errors import UsageError
from chainer_ft.host.selection import Selection


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINER_FT_PLUGINS", raising=False)
    monkeypatch.delenv("CHAINER_FT_STRICT_PLUGINS", raising=False)


def test_by_default_everything_is_loaded() -> None:
    assert Selection.from_environment() == Selection()
    assert Selection().refusal("torch", "chainer-ft-torch") == ""


@pytest.mark.parametrize("name", ["torch", "chainer-ft-torch", "Chainer_FT.Torch"])
def test_an_option_blocks_an_entry_point_or_a_distribution(name: str) -> None:
    selection = Selection.from_environment([f"no:{name}"])
    assert selection.refusal("torch", "chainer-ft-torch") == f"blocked by -p no:{name}"
    assert selection.refusal("keras", "chainer-ft-keras") == ""


def test_no_plugins_refuses_all() -> None:
    assert Selection.from_environment(none=True).refusal("torch") == "blocked by --no-plugins"


@pytest.mark.parametrize(
    ("value", "allowed"),
    [("torch,keras", True), (" chainer-ft-torch ", True), ("keras", False), ("", False)],
)
def test_the_environment_names_the_only_ones(
    value: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINER_FT_PLUGINS", value)
    refusal = Selection.from_environment().refusal("torch", "chainer-ft-torch")
    assert (refusal == "") is allowed
    assert allowed or refusal == f"not in CHAINER_FT_PLUGINS={value}"


@pytest.mark.parametrize(
    ("value", "strict"), [("1", True), ("yes", True), ("0", False), ("", False)]
)
def test_strict(value: str, strict: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINER_FT_STRICT_PLUGINS", value)
    assert Selection.from_environment().strict is strict


@pytest.mark.parametrize("option", ["torch", "no:", ""])
def test_an_option_of_another_form_is_an_error(option: str) -> None:
    with pytest.raises(UsageError, match="is not like -p no:NAME"):
        Selection.from_environment([option])


def test_a_name_that_nobody_has_is_said_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINER_FT_PLUGINS", "torch,kears")
    selection = Selection.from_environment(["no:trch"])
    assert selection.unknown(["torch", "keras"]) == (
        "-p no:trch: no plugin has this name; nearest: torch",
        "CHAINER_FT_PLUGINS=kears: no plugin has this name; nearest: keras",
    )
