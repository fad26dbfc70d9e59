"""All that a call of a function leaves behind: its result, what it reports, the gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainer
import numpy as np

from chainer_ft.finetune.batches import flat
from chainer_ft.finetune.ghosts import CannotReplay, Ghost
from chainer_ft.training.parameters import tuning_of


def named(result: Any, reported: Mapping[str, Any]) -> dict[str, Any]:
    """What a function has returned and reported, by a name for messages.

    Example:
        >>> named((1, 2), {"loss": 3})
        {'result 0': 1, 'result 1': 2, 'loss': 3}
    """
    return {f"result {i}": value for i, value in enumerate(flat(result))} | dict(reported)


def outcome(model: chainer.Link, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The numbers of all that, and the gradients of a loss that it is.

    Args:
        model: Its live parameters have gradients afterwards in the outcome, and no more.
        values: From :func:`named`.

    Raises:
        CannotReplay: Something in it was not computed.
    """
    found = {name: _numbers(value) for name, value in values.items()}
    loss = values.get("result 0")
    if isinstance(loss, chainer.Variable) and loss.size == 1 and chainer.config.enable_backprop:
        found |= _gradients(model, loss)
    return found


def _gradients(model: chainer.Link, loss: chainer.Variable) -> dict[str, np.ndarray]:
    model.cleargrads()
    loss.backward()
    found = {
        f"the gradient of {path}": _numbers(param.grad)
        for path, param in model.namedparams()
        if not tuning_of(param).frozen and param.grad is not None
    }
    model.cleargrads()
    return found


def _numbers(value: Any) -> np.ndarray:
    array = getattr(value, "array", value)
    if isinstance(array, Ghost):
        raise CannotReplay(f"the function returns or reports {array.source}", array.source)
    return np.array(chainer.backend.CpuDevice().send(array))
