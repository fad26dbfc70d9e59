"""Packages that only data layers need; they come with ``pip install chainer-ft[caffe]``."""

from __future__ import annotations

import importlib
from typing import Any

from chainer_ft.errors import UsageError


def extra(module: str, package: str, purpose: str) -> Any:
    """Import a module.

    Args:
        module: Its name.
        package: What installs it.
        purpose: What needs it, for the message.

    Raises:
        UsageError: It is not installed; says how to.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{purpose} needs the package {package}: `pip install chainer-ft[caffe]`"
        ) from error
