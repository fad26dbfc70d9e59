"""What training in half precision keeps besides the parameters, through a snapshot.

Chainer saves neither the copies in single precision that ``use_fp32_update`` trains, nor a dynamic
loss scale: a resumed run would begin with the rounded parameters and with a loss scale of 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainer
import numpy as np

#: Name of the entry beside an update rule's state.
_MASTER = "chainer_ft_fp32"


def save_master(rule: chainer.UpdateRule, serializer: Any) -> None:
    """Keep a rule's copy of its parameter in single precision, if there is one."""
    if rule._fp32_param is not None:
        serializer(_MASTER, rule._fp32_param.array)


def load_master(rule: chainer.UpdateRule, serializer: Any) -> None:
    """Bring it back. Without one, the next update makes it of the parameter that was loaded."""
    try:
        held = serializer(_MASTER, None)
    except KeyError:
        held = None
    rule._fp32_param = None if held is None else chainer.Parameter(np.asarray(held))


def place_masters(model: chainer.Link) -> None:
    """Bring what was loaded to the devices of the parameters."""
    for param in model.params():
        master = getattr(param.update_rule, "_fp32_param", None)
        if master is not None:
            master.to_device(param.device)


def forget_master(param: chainer.Parameter) -> None:
    """Let the next update begin with the parameter itself, into which somebody has written."""
    if param.update_rule is not None:
        param.update_rule._fp32_param = None


def loss_scales(optimizers: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The loss scales that are dynamic, by optimizer, and whether one was too high before."""
    return {
        name: [float(one._loss_scale), bool(one._loss_scaling_isnan_ever)]
        for name, one in optimizers.items()
        if one._loss_scaling_is_dynamic
    }


def restore_loss_scales(saved: Mapping[str, list[Any]], optimizers: Mapping[str, Any]) -> None:
    """Give them back, where the script's is dynamic, too."""
    for name, one in optimizers.items():
        if name in saved and one._loss_scaling_is_dynamic:
            one._loss_scale, one._loss_scaling_isnan_ever = saved[name]
