"""Take weights trained anywhere, put them into a Chainer model, know exactly what happened.

Import this before ``chainer``: it makes Chainer 7.8.1 work on today's Python, NumPy,
protobuf and CuPy. Importing it loads neither Chainer nor NumPy; the names below are
resolved when they are first used.

Example:
    >>> import chainer_ft as ft
    >>> ft.HOOK_API
    1
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from chainer_ft import compat

if TYPE_CHECKING:
    from chainer_ft.errors import ChainerFTError as ChainerFTError
    from chainer_ft.host import hookimpl as hookimpl
    from chainer_ft.training.summary import summary as summary
    from chainer_ft.transfer import copy as copy
    from chainer_ft.transfer import copy_model as copy_model
    from chainer_ft.transfer import open as open
    from chainer_ft.transfer import plan as plan
    from chainer_ft.transfer import save as save

__version__ = "0.1.0"

#: Version of the hooks. A plugin that declares a newer one is skipped with a sentence.
HOOK_API = 1

_HOMES = {
    "ChainerFTError": "chainer_ft.errors",
    "copy": "chainer_ft.transfer",
    "copy_model": "chainer_ft.transfer",
    "hookimpl": "chainer_ft.host",
    "open": "chainer_ft.transfer",
    "plan": "chainer_ft.transfer",
    "save": "chainer_ft.transfer",
    "summary": "chainer_ft.training.summary",
}

__all__ = ["HOOK_API", "__version__", *sorted(_HOMES)]

compat.install()


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'chainer_ft' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return __all__
