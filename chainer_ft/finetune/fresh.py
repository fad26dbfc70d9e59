"""New weights for a net that is to learn from scratch."""

from __future__ import annotations

import chainer
import numpy as np

from chainer_ft.links import slots, write


def fill_zeros(model: chainer.Link) -> tuple[str, ...]:
    """Give matrices and kernels that are all zero random numbers.

    A prototxt without fillers, as those for using a net are, says that every weight begins at 0:
    such a net gets no gradient below its last layer and cannot learn from scratch. LeCunNormal
    is what Chainer's own layers begin with.

    Args:
        model: All its parameters have their arrays.

    Returns:
        tuple of str: Paths of what was filled.

    Example:
        >>> model = chainer.Chain(fc=chainer.links.Linear(3, 2, initialW=0))
        >>> fill_zeros(model), bool(model.fc.W.array.any())
        (('/fc/W',), True)
    """
    zero = [
        slot
        for slot in slots(model)
        if slot.kind == "param" and slot.array.ndim > 1 and not slot.array.any()
    ]
    draw = chainer.initializers.LeCunNormal()
    write(
        model,
        [
            (slot.path, chainer.initializers.generate_array(draw, s, np, slot.array.dtype))
            for slot in zero
            for s in [slot.array.shape]
        ],
    )
    return tuple(slot.path for slot in zero)
