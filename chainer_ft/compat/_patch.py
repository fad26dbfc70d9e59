"""What a patch is, and what became of it: plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

#: Taken back by the hook when the body of the module has run.
Undo = Callable[[], None]
Apply = Callable[[ModuleType], Undo | None]

When = Literal["before", "around", "after", "instead", "missing"]
State = Literal["applied", "waiting", "not needed", "disabled", "failed"]


class CompatWarning(RuntimeWarning):
    """A patch could not be applied; Chainer may fail where the patch would have helped."""


@dataclass(frozen=True)
class Patch:
    """One thing that today's stack broke in one module, and its cure.

    Args:
        name: What ``CHAINER_FT_COMPAT_SKIP`` and ``chainer-ft doctor`` call it.
        module: The module whose import applies it.
        where: ``file:line`` of Chainer 7.8.1 that needs it.
        reason: What breaks without it, in one sentence.
        needed: Whether the installed libraries need it; asked when ``module`` is imported,
            and false on a stack that Chainer was written for.
        apply: Does it, given the module. With ``when="around"`` it returns its undoing.
        when: ``before`` the body of the module runs, ``around`` it (undone afterwards),
            ``after`` it, ``instead`` of it, or only if the module is ``missing``.
    """

    name: str
    module: str
    where: str
    reason: str
    needed: Callable[[], bool]
    apply: Apply
    when: When = "after"


@dataclass(frozen=True)
class PatchStatus:
    """A patch and its state in this process.

    Args:
        state: ``waiting`` until the module is imported; then ``applied``, ``not needed``
            (the installed libraries still behave as Chainer expects), ``disabled`` (by
            ``CHAINER_FT_COMPAT_SKIP``) or ``failed``.
        error: Why it failed, else empty.
    """

    name: str
    module: str
    where: str
    reason: str
    state: State
    error: str = ""
