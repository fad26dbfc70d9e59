"""The sentences that people read about plugins."""

from __future__ import annotations

import pytest

from chainer_ft.errors import PluginError
from chainer_ft.host.records import Conflict, PluginRecord, cause_of, named
from chainer_ft.types import MatchPolicy, Subcommand


def test_a_title_names_distribution_and_version() -> None:
    assert PluginRecord("torch", "chainer-ft-torch", "1.0", "active").title == (
        "torch (chainer-ft-torch 1.0)"
    )
    assert PluginRecord("mine", "registered by hand", "", "active").title == (
        "mine (registered by hand)"
    )


@pytest.mark.parametrize(
    ("state", "is_problem"),
    [("active", False), ("blocked", False), ("broken", True), ("skipped", True)],
)
def test_what_nobody_blocked_and_does_not_work_is_a_problem(state: str, is_problem: bool) -> None:
    record = PluginRecord("torch", "d", "1", state, "ImportError: no")  # type: ignore[arg-type]
    assert record.problem == ("plugin torch (d 1): ImportError: no" if is_problem else "")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ValueError("one\ntwo"), "ValueError: one"),
        (ValueError("\n\n"), "ValueError"),
        (SystemExit(), "SystemExit"),
        (PluginError("a sentence of ours"), "a sentence of ours"),
    ],
)
def test_a_cause_is_one_line(error: BaseException, cause: str) -> None:
    assert cause_of(error) == cause


def test_a_conflict_names_all_and_what_to_type() -> None:
    nobody = Conflict("loader 'odd'", ("a (x 1)", "b (y 2)"), "", "b")
    assert str(nobody) == (
        "loader 'odd' comes from a (x 1) and b (y 2); none is used; block one with -p no:b"
    )
    assert "; the one of a (x 1) is used; " in str(
        Conflict("saver 's'", ("a (x 1)",), "a (x 1)", "b")
    )


def test_things_are_named_by_kind() -> None:
    policy = MatchPolicy("suffix", "s", lambda a, b: [])
    verb = Subcommand("train", "s", lambda parser: None, lambda options: 0)
    assert named([policy, verb]) == ("policy suffix", "verb train")
