"""Whether an object is a plugin: its hooks exist and ask for known arguments."""

from __future__ import annotations

import inspect
from typing import Any

import pluggy

from chainer_ft import hookspecs
from chainer_ft.errors import PluginError
from chainer_ft.select import nearest

PROJECT = "chainer_ft"
HOOKS = tuple(name for name in vars(hookspecs) if name.startswith(f"{PROJECT}_"))


def new_manager() -> pluggy.PluginManager:
    """A manager that knows the hooks and no plugin."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def validate(plugin: object) -> None:
    """Check a plugin before the manager of all plugins meets it.

    pluggy leaves a rejected plugin half registered, its ``check_pending`` would blame this
    plugin's mistakes on all, and a function without the mark is passed over in silence.

    Args:
        plugin: A module or an object with hook implementations.

    Raises:
        PluginError: A hook that does not exist, an unknown argument, a missing mark, or no
            hook at all.
    """
    scratch = new_manager()
    marked = {name: scratch.parse_hookimpl_opts(plugin, name) for name in dir(plugin)}
    hooks = {name: opts for name, opts in marked.items() if opts is not None}
    for name in marked.keys() - hooks:
        if name.startswith(f"{PROJECT}_") and inspect.isroutine(getattr(plugin, name)):
            _check_name(name)
            raise PluginError(f"{name} is not marked with @chainer_ft.hookimpl")
    if not hooks:
        raise PluginError(f"{plugin!r} has no hook; there are {', '.join(HOOKS)}")
    for name, opts in hooks.items():
        _check_hook(plugin, name, opts)
    scratch.register(plugin)
    scratch.check_pending()


def _check_hook(plugin: object, name: str, opts: Any) -> None:
    hook = opts.get("specname") or name
    if hook not in HOOKS and opts.get("optionalhook"):
        return
    _check_name(hook)
    known = inspect.signature(getattr(hookspecs, hook)).parameters
    for argument in inspect.signature(getattr(plugin, name)).parameters.values():
        if argument.name not in known:
            raise PluginError(f"{hook}({', '.join(known)}) has no argument {argument.name!r}")
        if argument.default is not argument.empty:
            raise PluginError(
                f"{hook}: {argument.name!r} has a default, so it would get nothing else"
            )


def _check_name(hook: str) -> None:
    if hook not in HOOKS:
        raise PluginError(f"there is no hook {hook}; {nearest(hook, HOOKS)}")
