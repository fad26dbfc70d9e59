"""The import hook: finds nothing itself, only wraps what the next finder found.

Loader and finder are duck-typed: ``importlib.abc`` would cost ten milliseconds at each start.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from chainer_ft.compat._registry import Registry

if TYPE_CHECKING:
    from importlib.abc import Loader


class PatchingLoader:
    """Runs a module's own loader with the module's patches before, around and after it.

    The module and its spec get their own loader back before the body runs, so that whatever
    asks the loader afterwards (tracebacks, resources, pickle, ``importlib.reload``) finds
    what it would find without chainer_ft.

    Args:
        original: The loader that was found for the module.
        registry: Where the patches come from.
    """

    def __init__(self, original: Loader, registry: Registry) -> None:
        self._original = original
        self._registry = registry

    def __getattr__(self, name: str) -> Any:
        if name == "_original":  # not set yet: a copy of this loader is being made
            raise AttributeError(name)
        return getattr(self._original, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        create = getattr(self._original, "create_module", None)
        return None if create is None else create(spec)

    def exec_module(self, module: ModuleType) -> None:
        name, registry = module.__name__, self._registry
        self._hand_back(module)
        with ExitStack() as undoing:
            for patch in registry.of(name, "before", "around"):
                undo = registry.apply(patch, module)
                if undo is not None:
                    undoing.callback(undo)
            if not self._replaced(module):
                self._original.exec_module(module)
        for patch in registry.of(name, "after"):
            registry.apply(patch, module)

    def _replaced(self, module: ModuleType) -> bool:
        patches = self._registry.of(module.__name__, "instead")
        for patch in patches:
            self._registry.apply(patch, module)
        return any(self._registry.is_applied(patch) for patch in patches)

    def _hand_back(self, module: ModuleType) -> None:
        module.__loader__ = self._original
        if module.__spec__ is not None:
            module.__spec__.loader = self._original


class MissingLoader:
    """Builds a module that the installed library no longer has."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        patches = self._registry.of(module.__name__, "missing")
        for patch in patches:
            self._registry.apply(patch, module)
        if not any(self._registry.is_applied(patch) for patch in patches):
            raise ModuleNotFoundError(
                f"No module named {module.__name__!r}, and chainer_ft could not rebuild it",
                name=module.__name__,
            )


class PatchingFinder:
    """Puts a `PatchingLoader` in the spec of each module that has a patch.

    Args:
        registry: Where the patches come from.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._local = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._registry.modules:
            return None
        spec = self._next_spec(fullname, path, target)
        if spec is None:
            return self._missing_spec(fullname)
        for patch in self._registry.of(fullname, "missing"):
            self._registry.set_not_needed(patch)
        if spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = cast(Any, PatchingLoader(spec.loader, self._registry))
        return spec

    def _missing_spec(self, fullname: str) -> ModuleSpec | None:
        patches = self._registry.of(fullname, "missing")
        if not any(self._registry.wants(patch) for patch in patches):
            return None
        return ModuleSpec(fullname, cast(Any, MissingLoader(self._registry)))

    def _next_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        """Ask the finders behind this one; one that asks the whole chain again gets no answer."""
        busy: set[str] = self._local.__dict__.setdefault("busy", set())
        if fullname in busy:
            return None
        busy.add(fullname)
        try:
            specs = (_ask(finder, fullname, path, target) for finder in self._behind())
            return next((spec for spec in specs if spec is not None), None)
        finally:
            busy.discard(fullname)

    def _behind(self) -> list[Any]:
        finders = list(sys.meta_path)
        if self in finders:
            return finders[finders.index(self) + 1 :]
        return finders


def _ask(
    finder: Any, fullname: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    find_spec = getattr(finder, "find_spec", None)
    return None if find_spec is None else find_spec(fullname, path, target)
