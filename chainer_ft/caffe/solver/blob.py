"""An array as Caffe writes it."""

from __future__ import annotations

import numpy as np

from chainer_ft.caffe.message import Message


def blob_message(array: np.ndarray, diff: np.ndarray | None = None) -> Message:
    """A BlobProto: flat numbers and a shape, which a scalar has none of.

    Args:
        array: Any shape; written as float32.
        diff: Its gradient, of the same shape, where that is kept too.

    Example:
        >>> blob_message(np.ones((2, 3), "f")).shape.dim
        [2, 3]
    """
    made = Message("BlobProto", data=_flat(array))
    if diff is not None:
        made.set("diff", _flat(diff))
    if array.ndim:
        made.set("shape", Message("BlobShape", dim=list(array.shape)))
    return made


def _flat(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32).reshape(-1)
