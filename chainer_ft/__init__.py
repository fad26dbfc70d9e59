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
    from chainer_ft.finetune import FeatureCache as FeatureCache
    from chainer_ft.finetune.api import fine_tune as fine_tune
    from chainer_ft.host import hookimpl as hookimpl
    from chainer_ft.select import all_but as all_but
    from chainer_ft.select import first as first
    from chainer_ft.select import last as last
    from chainer_ft.select import until as until
    from chainer_ft.training import L2SP as L2SP
    from chainer_ft.training import EarlyStopping as EarlyStopping
    from chainer_ft.training import EpochShuffle as EpochShuffle
    from chainer_ft.training import Phase as Phase
    from chainer_ft.training import Schedule as Schedule
    from chainer_ft.training import extensions as extensions
    from chainer_ft.training import freeze as freeze
    from chainer_ft.training import frozen as frozen
    from chainer_ft.training import layerwise_decay as layerwise_decay
    from chainer_ft.training import learning_rates as learning_rates
    from chainer_ft.training import resume_with as resume_with
    from chainer_ft.training import unfreeze as unfreeze
    from chainer_ft.training.lr_find import lr_find as lr_find
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
    "EarlyStopping": "chainer_ft.training",
    "EpochShuffle": "chainer_ft.training",
    "FeatureCache": "chainer_ft.finetune",
    "L2SP": "chainer_ft.training",
    "Phase": "chainer_ft.training",
    "Schedule": "chainer_ft.training",
    "all_but": "chainer_ft.select",
    "copy": "chainer_ft.transfer",
    "copy_model": "chainer_ft.transfer",
    "extensions": "chainer_ft.training",
    "fine_tune": "chainer_ft.finetune.api",
    "first": "chainer_ft.select",
    "freeze": "chainer_ft.training",
    "frozen": "chainer_ft.training",
    "hookimpl": "chainer_ft.host",
    "last": "chainer_ft.select",
    "layerwise_decay": "chainer_ft.training",
    "learning_rates": "chainer_ft.training",
    "lr_find": "chainer_ft.training.lr_find",
    "open": "chainer_ft.transfer",
    "plan": "chainer_ft.transfer",
    "resume_with": "chainer_ft.training",
    "save": "chainer_ft.transfer",
    "unfreeze": "chainer_ft.training",
    "until": "chainer_ft.select",
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
