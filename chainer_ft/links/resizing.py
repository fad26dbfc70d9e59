"""Give a link another number of outputs, keeping rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainer

#: Links whose ``W`` has the outputs on its first axis, and what each calls their number.
OUTPUTS = (
    (chainer.links.Linear, "out_size"),
    (chainer.links.Convolution2D, "out_channels"),
    (chainer.links.DilatedConvolution2D, "out_channels"),
    (chainer.links.ConvolutionND, "out_channels"),
)


def outputs_of(link: chainer.Link) -> int | None:
    """How many outputs or output channels a link has; ``None`` where that cannot be changed.

    Example:
        >>> import chainer
        >>> outputs_of(chainer.links.Linear(None, 10)), outputs_of(chainer.links.EmbedID(3, 4))
        (10, None)
    """
    name = _attribute(link)
    if name is None or getattr(link, "W", None) is None:
        return None
    array = link.W.array
    return int(getattr(link, name) or 0) or None if array is None else int(array.shape[0])


def resize_outputs(link: chainer.Link, count: int, rows: Mapping[int, int]) -> None:
    """Give a link ``count`` outputs; the link and its Parameters stay the objects that they are.

    Args:
        link: One with :func:`outputs_of`.
        count: The new number.
        rows: Old row by new row; the other new rows are what the link's initializers give.
    """
    for param in (link.W, link.b):
        if param is not None and param.array is not None:
            array = _fresh(param, (count, *param.shape[1:]))
            for new, old in rows.items():
                array[new] = param.array[old]
            param.array = array
            param.cleargrad()
    setattr(link, str(_attribute(link)), count)


def _attribute(link: chainer.Link) -> str | None:
    return next((name for cls, name in OUTPUTS if isinstance(link, cls)), None)


def _fresh(param: chainer.Parameter, shape: tuple[int, ...]) -> Any:
    """A new array as the parameter was initialized; an array as initializer says nothing of it."""
    initializer = param.initializer
    if isinstance(initializer, chainer.initializers.Constant):
        is_number = isinstance(initializer.fill_value, (bool, int, float))
        initializer = initializer if is_number else None
    elif isinstance(initializer, (chainer.initializers.NaN, *chainer.get_array_types())):
        initializer = None
    if initializer is None:
        initializer = chainer.initializers.LeCunNormal() if len(shape) > 1 else 0
    made = chainer.initializers._get_initializer(initializer)
    device = param.device
    return chainer.initializers.generate_array(made, shape, device.xp, param.dtype, device)
