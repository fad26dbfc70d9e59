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

from typing import TYPE_CHECKING

from chainer_ft import compat
from chainer_ft.lazy import lazily

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
    "ChainerFTError": "errors",
    "EarlyStopping": "training",
    "EpochShuffle": "training",
    "FeatureCache": "finetune",
    "L2SP": "training",
    "Phase": "training",
    "Schedule": "training",
    "all_but": "select",
    "copy": "transfer",
    "copy_model": "transfer",
    "extensions": "training",
    "fine_tune": "finetune.api",
    "first": "select",
    "freeze": "training",
    "frozen": "training",
    "hookimpl": "host",
    "last": "select",
    "layerwise_decay": "training",
    "learning_rates": "training",
    "lr_find": "training.lr_find",
    "open": "transfer",
    "plan": "transfer",
    "resume_with": "training",
    "save": "transfer",
    "unfreeze": "training",
    "until": "select",
    "summary": "training.summary",
}

__all__ = ["HOOK_API", "__version__", *sorted(_HOMES)]

compat.install()

__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
