"""What is a plugin and what is not, and how that is said."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chainer_ft.errors import PluginError
from chainer_ft.host import hookimpl
from chainer_ft.host.validate import HOOKS, validate


def plugin(function: Any, name: str = "") -> SimpleNamespace:
    return SimpleNamespace(**{name or function.__name__: function})


@hookimpl
def chainer_ft_savers() -> list[Any]:
    return []


@hookimpl
def chainer_ft_copied(plan: Any, outcome: Any) -> None:
    """Nothing to do."""


@hookimpl
def without_outcome(plan: Any) -> None:
    """A hook may ask for fewer arguments."""


@hookimpl
def with_another(plan: Any, model: Any) -> None:
    """There is no model."""


@hookimpl
def with_default(plan: Any, outcome: Any = None) -> None:
    """pluggy never passes what has a default."""


@hookimpl(specname="chainer_ft_savers")
def under_another_name() -> list[Any]:
    return []


@hookimpl(optionalhook=True)
def of_the_future(model: Any) -> None:
    """A hook that this version does not have, and that the plugin can do without."""


def unmarked() -> list[Any]:
    return []


def test_the_hooks() -> None:
    assert HOOKS == (
        "chainer_ft_source_loaders",
        "chainer_ft_savers",
        "chainer_ft_match_policies",
        "chainer_ft_trainer_extensions",
        "chainer_ft_plan_ready",
        "chainer_ft_copied",
        "chainer_ft_subcommands",
        "chainer_ft_caffe_layers",
    )


@pytest.mark.parametrize(
    "good",
    [
        plugin(chainer_ft_savers),
        plugin(chainer_ft_copied),
        plugin(without_outcome, "chainer_ft_copied"),
        plugin(under_another_name, "anything"),
        plugin(of_the_future, "chainer_ft_of_the_future"),
    ],
)
def test_a_plugin_is_accepted(good: object) -> None:
    assert validate(good) is None


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (plugin(with_another, "chainer_ft_copied"), r"\(plan, outcome\) has no argument 'model'"),
        (plugin(with_default, "chainer_ft_copied"), "'outcome' has a default"),
        (
            plugin(chainer_ft_savers, "chainer_ft_saver"),
            "no hook chainer_ft_saver; nearest: chainer_ft_savers",
        ),
        (
            plugin(unmarked, "chainer_ft_saver"),
            "no hook chainer_ft_saver; nearest: chainer_ft_savers",
        ),
        (
            plugin(unmarked, "chainer_ft_savers"),
            "chainer_ft_savers is not marked with @chainer_ft.hookimpl",
        ),
        (SimpleNamespace(), "has no hook; there are chainer_ft_source_loaders, "),
        (42, "42 has no hook"),
    ],
)
def test_what_is_no_plugin_is_explained(bad: object, sentence: str) -> None:
    with pytest.raises(PluginError, match=sentence):
        validate(bad)


def test_a_class_in_the_place_of_an_instance_is_explained() -> None:
    class Plugin:
        @hookimpl
        def chainer_ft_savers(self) -> list[Any]:
            return []

    assert validate(Plugin()) is None
    with pytest.raises(PluginError, match=r"chainer_ft_savers\(\) has no argument 'self'"):
        validate(Plugin)
