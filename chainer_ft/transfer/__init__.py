"""open -> plan -> apply: the few functions that most people call."""

from chainer_ft.transfer.copying import copy, copy_model, plan
from chainer_ft.transfer.opening import open
from chainer_ft.transfer.saving import save

__all__ = ["copy", "copy_model", "open", "plan", "save"]
