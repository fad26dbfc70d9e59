"""The patches of a process and their states. Nothing here raises: `import chainer` must not."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable
from types import ModuleType

from chainer_ft.compat._patch import CompatWarning, Patch, PatchStatus, State, Undo, When

SKIP_VARIABLE = "CHAINER_FT_COMPAT_SKIP"


def skipped_names() -> frozenset[str]:
    """The names in ``CHAINER_FT_COMPAT_SKIP``; ``all`` stands for every patch."""
    listed = os.environ.get(SKIP_VARIABLE, "").split(",")
    return frozenset(name.strip() for name in listed if name.strip())


def warn(message: str) -> None:
    """Warn, also under ``-W error``, where a warning would break ``import chainer``."""
    try:
        warnings.warn(message, CompatWarning, stacklevel=3)
    except CompatWarning:
        print(f"chainer_ft: {message}", file=sys.stderr)


class Registry:
    """Holds patches, applies them on request, and remembers the outcome.

    Args:
        patches: The patches, in the order in which those of one module are applied.
    """

    def __init__(self, patches: Iterable[Patch]) -> None:
        self.patches = tuple(patches)
        self.modules = frozenset(patch.module for patch in self.patches)
        self._outcomes: dict[str, tuple[State, str]] = {}
        self._warned: set[str] = set()

    def of(self, module: str, *when: When) -> list[Patch]:
        """The patches of a module that apply at one of the given moments."""
        return [p for p in self.patches if p.module == module and p.when in when]

    def wants(self, patch: Patch) -> bool:
        """Whether a patch is enabled and needed; records why not."""
        skipped = skipped_names()
        if patch.name in skipped or "all" in skipped:
            self._outcomes[patch.name] = ("disabled", "")
            return False
        try:
            needed = patch.needed()
        except Exception as error:
            self._fail(patch, error)
            return False
        if not needed:
            self.set_not_needed(patch)
        return needed

    def apply(self, patch: Patch, module: ModuleType) -> Undo | None:
        """Apply a patch if it is wanted; return its undoing, if it has one."""
        if not self.wants(patch):
            return None
        try:
            undo = patch.apply(module)
        except Exception as error:
            self._fail(patch, error)
            return None
        self._outcomes[patch.name] = ("applied", "")
        return undo

    def is_applied(self, patch: Patch) -> bool:
        """Whether the last attempt to apply the patch succeeded."""
        return self._outcomes.get(patch.name, ("waiting", ""))[0] == "applied"

    def set_not_needed(self, patch: Patch) -> None:
        """Record that the module of the patch can be imported without it."""
        self._outcomes[patch.name] = ("not needed", "")

    def catch_up(self) -> None:
        """Patch the modules that were imported before the hook was there."""
        for patch in self.patches:
            module = sys.modules.get(patch.module)
            if module is None or patch.name in self._outcomes:
                continue
            if patch.when in ("before", "after"):
                self.apply(patch, module)
            else:
                self.set_not_needed(patch)

    def status(self) -> tuple[PatchStatus, ...]:
        """The state of every patch, in the order of the registry."""
        return tuple(
            PatchStatus(p.name, p.module, p.where, p.reason, *self._outcome(p))
            for p in self.patches
        )

    def check_skipped(self) -> None:
        """Warn about names in ``CHAINER_FT_COMPAT_SKIP`` that no patch has."""
        names = [patch.name for patch in self.patches]
        for name in sorted(skipped_names() - {*names, "all"} - self._warned):
            self._warned.add(name)
            import difflib

            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else "`chainer-ft doctor` lists them."
            warn(f"{SKIP_VARIABLE} names {name!r}, and no patch has that name; {hint}")

    def _outcome(self, patch: Patch) -> tuple[State, str]:
        outcome = self._outcomes.get(patch.name)
        if outcome is not None:
            return outcome
        module = sys.modules.get(patch.module)
        if module is None or getattr(module.__spec__, "_initializing", False):
            return "waiting", ""
        return "failed", "another import hook loaded the module; call chainer_ft.compat.install()"

    def _fail(self, patch: Patch, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        self._outcomes[patch.name] = ("failed", text)
        if patch.name in self._warned:
            return
        self._warned.add(patch.name)
        warn(
            f"the patch {patch.name} of {patch.module} failed ({text}). Without it: {patch.reason} "
            f"`chainer-ft doctor` shows all patches; {SKIP_VARIABLE}={patch.name} switches it off."
        )
