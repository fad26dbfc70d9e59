"""The hooks that there are, and that the built-ins come through them."""

from __future__ import annotations

import inspect

import pluggy
import pytest

from chainer_ft import builtin, hookspecs
from chainer_ft.host.records import KINDS
from chainer_ft.host.validate import HOOKS, new_manager

SIGNATURES = {
    "chainer_ft_source_loaders": (),
    "chainer_ft_savers": (),
    "chainer_ft_match_policies": (),
    "chainer_ft_trainer_extensions": (),
    "chainer_ft_plan_ready": ("plan",),
    "chainer_ft_copied": ("plan", "outcome"),
    "chainer_ft_subcommands": (),
    "chainer_ft_caffe_layers": (),
}


def test_the_hooks_and_their_arguments_are_a_promise() -> None:
    found = {name: tuple(inspect.signature(getattr(hookspecs, name)).parameters) for name in HOOKS}
    assert found == SIGNATURES


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_sentence_and_a_type(hook: str) -> None:
    function = getattr(hookspecs, hook)
    assert function.__doc__.strip().endswith(".")
    assert "return" in inspect.get_annotations(function)


def test_every_kind_of_thing_has_a_hook() -> None:
    assert {kind.hook for kind in KINDS.values()} == {h for h in HOOKS if not SIGNATURES[h]}


def test_the_manager_knows_all_of_them() -> None:
    manager = new_manager()
    assert all(isinstance(getattr(manager.hook, name), pluggy.HookCaller) for name in HOOKS)


@pytest.mark.parametrize("name", builtin.PLUGINS)
def test_the_built_ins_use_the_same_hooks(name: str) -> None:
    manager = new_manager()
    manager.register(builtin.PLUGINS[name])
    manager.check_pending()
    callers = manager.get_hookcallers(builtin.PLUGINS[name]) or []
    assert {caller.name for caller in callers} <= set(HOOKS)
    assert callers
