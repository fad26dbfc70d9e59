"""Functions of Chainer where nothing will be differentiated: the same bits in half the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import chainer
import numpy as np
from chainer import FunctionNode
from chainer.backends import intel64
from chainer.functions.connection.convolution_2d import Convolution2DFunction
from chainer.functions.pooling.max_pooling_nd import MaxPoolingND
from chainer.utils.conv_nd import im2col_nd_cpu
from numpy.lib.stride_tricks import as_strided

from chainer_ft.finetune.calls import Plain


class ForwardOnly:
    """A listener (see :func:`chainer_ft.finetune.calls.heard_by`) that calls functions so.

    Example:
        >>> from chainer_ft.finetune.calls import heard_by
        >>> x = np.arange(32, dtype="f").reshape(2, 1, 4, 4)
        >>> with heard_by(ForwardOnly()):
        ...     y = chainer.functions.max_pooling_2d(x, 2)
        >>> y.array[0].tolist(), y.creator
        ([[[5.0, 7.0], [13.0, 15.0]]], None)
    """

    def call(self, function: FunctionNode, inputs: Sequence[Any], plain: Plain) -> tuple[Any, ...]:
        """What the function gives."""
        return forward_only(function, inputs, plain)


def forward_only(
    function: FunctionNode, inputs: Sequence[Any], plain: Plain
) -> tuple[chainer.Variable, ...]:
    """The outputs of a function of which nobody will ask a gradient.

    Chainer's convolution on the CPU copies each patch twice, and its max pooling looks for the
    maxima a second time, for their places. Both are left out; what is computed is computed by
    the same calls on equal arrays, so that the last bit is the same.

    Args:
        function: The function.
        inputs: Of it.
        plain: Calls it as Chainer does; asked for all that is not known here.
    """
    arrays = [getattr(value, "array", value) for value in inputs]
    compute = _KNOWN.get(type(function))
    if compute is None or not _is_plain(arrays):
        return plain()
    array = compute(function, *arrays)
    return plain() if array is None else (chainer.Variable(array, requires_grad=False),)


def _is_plain(arrays: Sequence[Any]) -> bool:
    """Whether these are arrays of NumPy of one dtype that BLAS knows."""
    first = arrays[0]
    return not intel64.is_ideep_available() and all(
        type(one) is np.ndarray and one.dtype == first.dtype and one.dtype.char in "fd"
        for one in arrays
    )


def _convolution(
    function: Any, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None
) -> np.ndarray | None:
    """As ``Convolution2DFunction`` does, but the patches are seen in the image, not copied."""
    n, c = x.shape[:2]
    kernel = w.shape[2:]
    if function.groups > 1 or n == 1 or c * kernel[0] * kernel[1] == 1:
        return None  # of one image, Chainer copies once, and multiplies in another layout
    sy, sx, dy, dx = function.sy, function.sx, function.dy, function.dx
    out = function._get_out_size(x.shape, w.shape)
    around = (
        (0, 0),
        (0, 0),
        (function.ph, function.ph + sy - 1),
        (function.pw, function.pw + sx - 1),
    )
    padded = np.pad(x, around)
    s0, s1, s2, s3 = padded.strides
    strides = (s0, s1, dy * s2, dx * s3, sy * s2, sx * s3)
    patches = as_strided(padded, (n, c, *kernel, *out), strides, writeable=False)
    y = np.tensordot(patches, w, ((1, 2, 3), (1, 2, 3)))
    if b is not None:
        y += b
    return np.moveaxis(y, 3, 1)


def _max_pooling(function: Any, x: np.ndarray) -> np.ndarray | None:
    """As ``MaxPoolingND`` does, without the places of the maxima."""
    if function.return_indices:
        return None
    sizes = function.ksize, function.stride, function.pad
    patches = im2col_nd_cpu(x, *sizes, pval=-np.inf, cover_all=function.cover_all)
    n, c = x.shape[:2]
    largest: np.ndarray = patches.reshape(n, c, -1, *patches.shape[2 + function.ndim :]).max(axis=2)
    return largest


_KNOWN: dict[type, Callable[..., np.ndarray | None]] = {
    Convolution2DFunction: _convolution,
    MaxPoolingND: _max_pooling,
}
