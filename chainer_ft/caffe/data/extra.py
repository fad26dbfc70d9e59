"""Packages that only some parts need; they come with an extra, as ``chainer-ft[caffe]``."""

from __future__ import annotations

import importlib
from typing import Any

from chainer_ft.errors import UsageError


def extra(module: str, package: str, purpose: str, name: str = "caffe") -> Any:
    """Import a module.

    Args:
        module: Its name.
        package: What installs it.
        purpose: What needs it, for the message.
        name: Of the extra that brings it.

    Raises:
        UsageError: It is not installed; says how to.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{purpose} needs the package {package}: `pip install 'chainer-ft[{name}]'`"
        ) from error
