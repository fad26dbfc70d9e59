"""Names of a package that are imported when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package whose import loads none of its modules.

    Args:
        package: Its ``__name__``.
        homes: For each name, the module of the package that has it.

    Example:
        >>> lazily("chainer_ft", {"RuleError": "errors"})("RuleError")
        <class 'chainer_ft.errors.RuleError'>
        >>> lazily("chainer_ft", {})("nothing")
        Traceback (most recent call last):
            ...
        AttributeError: module 'chainer_ft' has no attribute 'nothing'
    """

    def resolve(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return resolve
