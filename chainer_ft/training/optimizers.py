"""The optimizers of an updater, by name."""

from __future__ import annotations

from typing import Any

from chainer_ft.errors import UsageError


def optimizer_of(updater: Any, name: str) -> Any:
    """An optimizer of an updater.

    Raises:
        UsageError: It has none of this name; says which it has.
    """
    known = updater.get_all_optimizers()
    if name not in known:
        first = next(iter(known), "main")
        raise UsageError(
            f"the updater has no optimizer {name!r}; it has {', '.join(known)}: "
            f"say which, optimizer={first!r}"
        )
    return known[name]
