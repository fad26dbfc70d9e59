"""Listing, conflicts, isolation: what holds for every hook."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chainer_ft.errors import PlanRejected, PluginError, UsageError
from chainer_ft.host import Host, default_host, hookimpl, set_default_host
from chainer_ft.host.selection import Selection
from chainer_ft.types import Listing, MatchPolicy, Outcome, Plan, Saver, SourceLoader, Subcommand

Install = Callable[..., str]
PLAN = Plan(Listing(()), Listing(()))
OUTCOME = Outcome((), 0.0)


def policy(name: str) -> MatchPolicy:
    return MatchPolicy(name, "for a test", lambda source, target: [])


def with_policies(*names: str) -> Any:
    @hookimpl
    def chainer_ft_match_policies() -> list[MatchPolicy]:
        return [policy(name) for name in names]

    return SimpleNamespace(chainer_ft_match_policies=chainer_ft_match_policies)


def with_hook(hook: str, function: Callable[..., Any]) -> Any:
    return SimpleNamespace(**{hook: hookimpl(function)})


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def host(said: list[str]) -> Host:
    return Host(Selection(), installed=False, warn=said.append)


def test_the_built_ins_come_through_the_hooks(host: Host) -> None:
    names = {record.name: record.provides for record in host.records()}
    assert list(names) == [
        "builtin.extensions",
        "builtin.formats",
        "builtin.policies",
        "builtin.verbs",
    ]
    assert names["builtin.policies"] == ("policy name", "policy shape")
    assert host.problems() == ()


def test_a_built_in_can_be_blocked() -> None:
    host = Host(Selection(blocked=frozenset({"builtin.policies"})), installed=False)
    assert host.all(MatchPolicy) == {}
    with pytest.raises(
        UsageError, match=r"no policy 'name'; plugin builtin.policies .* is blocked"
    ):
        host.get(MatchPolicy, "name")


def test_register_by_hand(host: Host) -> None:
    host.register(with_policies("odd"), "mine")
    found = host.get(MatchPolicy, "odd")
    assert (found.plugin, found.item.name) == ("mine", "odd")
    assert host.records()[-1].provides == ("policy odd",)


def test_what_was_asked_before_is_asked_again_after_register(host: Host) -> None:
    assert set(host.all(MatchPolicy)) == {"name", "shape"}
    host.register(with_policies("odd"), "mine")
    assert set(host.all(MatchPolicy)) == {"name", "shape", "odd"}


def test_register_refuses_a_name_twice_and_what_is_no_plugin(host: Host) -> None:
    host.register(with_policies("odd"), "mine")
    with pytest.raises(PluginError, match="plugin mine: the name is taken"):
        host.register(with_policies("even"), "mine")
    with pytest.raises(PluginError, match=r"plugin yours: .* has no hook"):
        host.register(object(), "yours")


def test_an_unknown_name_comes_with_the_nearest(host: Host) -> None:
    with pytest.raises(UsageError, match="there is no policy 'nam'; nearest: name"):
        host.get(MatchPolicy, "nam")
    with pytest.raises(UsageError, match="there is no saver 'torch'"):
        host.get(Saver, "torch")


def test_two_third_parties_that_claim_a_name_both_lose(host: Host, said: list[str]) -> None:
    host.register(with_policies("odd", "even"), "one")
    host.register(with_policies("odd"), "two")
    assert "odd" not in host.all(MatchPolicy)
    assert "even" in host.all(MatchPolicy)
    sentence = (
        "policy 'odd' comes from one (registered by hand) and two (registered by hand); "
        "none is used; block one with -p no:two"
    )
    assert host.conflicts() == host.problems() == (sentence,)
    assert said == [sentence]
    with pytest.raises(PluginError, match=r"comes from one .* and two"):
        host.get(MatchPolicy, "odd")


def test_a_built_in_stays_in_use_against_a_third_party(host: Host) -> None:
    mine = policy("name")
    host.register(with_hook("chainer_ft_match_policies", lambda: [mine]), "mine")
    assert host.get(MatchPolicy, "name").plugin == "builtin.policies"
    assert "; the one of builtin.policies (chainer-ft " in host.conflicts()[0]


def test_nobody_becomes_a_built_in_by_its_name(host: Host) -> None:
    host.register(with_policies("name"), "builtin.mine")
    assert host.get(MatchPolicy, "name").plugin == "builtin.policies"
    host.register(with_policies("odd"), "builtin.a")
    host.register(with_policies("odd"), "builtin.b")
    assert "odd" not in host.all(MatchPolicy)


def test_one_plugin_that_claims_a_name_twice(host: Host) -> None:
    host.register(with_policies("odd", "odd"), "mine")
    assert "odd" not in host.all(MatchPolicy)
    assert host.conflicts()[0].startswith(
        "policy 'odd' comes from mine (registered by hand) and mine"
    )


def test_entry_points_of_one_name_are_told_apart(install: Install) -> None:
    code = "@hookimpl\ndef chainer_ft_match_policies():\n"
    body = "    return [MatchPolicy('odd', 'a', lambda source, target: [])]\n"
    install(code + body, distribution="first")
    install(code + body, distribution="second")
    host = Host(Selection(), warn=lambda sentence: None)
    assert host.conflicts() == (
        "policy 'odd' comes from odd (first 1.2) and odd (second 1.2); none is used; "
        "block one with -p no:second",
    )
    host = Host(Selection(blocked=frozenset({"second"})))
    assert host.get(MatchPolicy, "odd").plugin == "odd"


def test_one_module_installed_twice_is_used_once(install: Install) -> None:
    code = "@hookimpl\ndef chainer_ft_match_policies():\n"
    module = install(code + "    return [MatchPolicy('odd', 'a', lambda a, b: [])]\n")
    install(name="again", distribution="the-fork", entry=module)
    host = Host(Selection(), warn=lambda sentence: None)
    assert host.get(MatchPolicy, "odd").plugin == "odd"
    assert host.problems() == ("plugin again (the-fork 1.2): is plugin odd again",)


def test_a_generator_is_drained(host: Host) -> None:
    def chainer_ft_match_policies() -> Any:
        yield policy("odd")
        yield policy("even")

    host.register(with_hook("chainer_ft_match_policies", chainer_ft_match_policies), "mine")
    assert {"odd", "even"} < set(host.all(MatchPolicy))


def test_a_hook_may_return_none(host: Host) -> None:
    host.register(with_hook("chainer_ft_savers", lambda: None), "mine")
    assert host.records()[-1].state == "active"


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), RecursionError()])
def test_what_one_hook_raises_costs_that_hook_alone(
    error: BaseException, host: Host, said: list[str]
) -> None:
    def chainer_ft_savers() -> list[Saver]:
        raise error

    plugin = with_policies("odd")
    plugin.chainer_ft_savers = hookimpl(chainer_ft_savers)
    host.register(plugin, "mine")
    assert {"npz", "hdf5"} <= set(host.all(Saver))
    assert host.get(MatchPolicy, "odd").plugin == "mine"
    assert host.problems() == tuple(said)
    assert said[0].startswith(f"plugin mine (registered by hand): {type(error).__name__}")


def test_a_problem_is_said_once(host: Host, said: list[str]) -> None:
    host.register(with_hook("chainer_ft_copied", lambda plan, outcome: 1 / 0), "mine")
    for _ in range(3):
        host.copied(PLAN, OUTCOME)
    assert said == ["plugin mine (registered by hand): ZeroDivisionError: division by zero"]


def test_by_default_problems_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    host = Host(Selection(), installed=False)
    host.register(with_hook("chainer_ft_copied", lambda plan: 1 / 0), "mine")
    host.copied(PLAN, OUTCOME)
    assert caplog.messages == [
        "plugin mine (registered by hand): ZeroDivisionError: division by zero"
    ]


def test_a_veto_names_the_plugin(host: Host) -> None:
    def chainer_ft_plan_ready(plan: Plan) -> None:
        raise PlanRejected("not on a Friday")

    host.register(with_hook("chainer_ft_plan_ready", chainer_ft_plan_ready), "calendar")
    with pytest.raises(PlanRejected, match="plugin calendar rejects the plan: not on a Friday"):
        host.veto(PLAN)


def test_every_plugin_hears_of_a_copy(host: Host) -> None:
    heard: list[tuple[str, Any]] = []
    host.register(with_hook("chainer_ft_copied", lambda plan, outcome: 1 / 0), "broken")
    for name in ("one", "two"):
        tell = lambda plan, outcome, name=name: heard.append((name, outcome))  # noqa: E731
        host.register(SimpleNamespace(chainer_ft_copied=_hook(tell)), name)
    host.copied(PLAN, OUTCOME)
    assert heard == [("one", OUTCOME), ("two", OUTCOME)]


def _hook(function: Callable[[Any, Any], None]) -> Any:
    @hookimpl
    def chainer_ft_copied(plan: Plan, outcome: Outcome) -> None:
        function(plan, outcome)

    return chainer_ft_copied


class TestStrict:
    """``CHAINER_FT_STRICT_PLUGINS=1``: for people who write a plugin."""

    def test_what_fails_at_load_is_raised(self, install: Install, monkeypatch: Any) -> None:
        install("import no_such_module")
        monkeypatch.setenv("CHAINER_FT_STRICT_PLUGINS", "1")
        with pytest.raises(PluginError, match=r"plugin odd \(odd-plugin 1.2\): ") as caught:
            Host()
        assert isinstance(caught.value.__cause__, ModuleNotFoundError)

    def test_what_fails_in_a_hook_is_raised(self) -> None:
        host = Host(Selection(strict=True), installed=False)
        host.register(with_hook("chainer_ft_savers", lambda: 1 / 0), "mine")
        with pytest.raises(PluginError, match=r"plugin mine .* ZeroDivisionError") as caught:
            host.all(Saver)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_broken_plugin_that_is_asked_for_by_name(install: Install) -> None:
    install("import no_such_module", name="torch")
    host = Host(Selection(), warn=lambda sentence: None)
    with pytest.raises(PluginError, match=r"torch \(odd-plugin 1.2\): ModuleNotFoundError"):
        host.get(SourceLoader, "torch")
    with pytest.raises(UsageError, match=r"no loader 'torhc'.*; plugin torch .* ModuleNotFound"):
        host.get(SourceLoader, "torhc")


@pytest.mark.parametrize(
    ("value", "state"),
    [("odd", "active"), ("odd-plugin", "active"), ("other", "blocked"), ("", "blocked")],
)
def test_the_environment_chooses(
    value: str, state: str, install: Install, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    install("@hookimpl\ndef chainer_ft_savers():\n    return []\n")
    monkeypatch.setenv("CHAINER_FT_PLUGINS", value)
    records = {record.name: record for record in Host(warn=said.append).records()}
    assert records["odd"].state == state
    assert records["builtin.formats"].state == "active"


def test_names_that_nobody_has(install: Install, said: list[str]) -> None:
    install("@hookimpl\ndef chainer_ft_savers():\n    return []\n")
    host = Host(Selection(blocked=frozenset({"od"})), warn=said.append)
    assert said == list(host.problems())
    assert said[0].startswith("-p no:od: no plugin has this name; nearest: odd")


def test_the_default_host_is_made_once() -> None:
    set_default_host(None)
    assert default_host() is default_host()
    mine = Host(installed=False)
    set_default_host(mine)
    assert default_host() is mine
    set_default_host(None)
    assert default_host() is not mine
    assert "run" in default_host().all(Subcommand)
    set_default_host(None)
