"""What the layers share: errors, fillers as initializers, axes, labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Any

import chainer
from chainer import backend

from chainer_ft.caffe.fillers import check_filler, fill
from chainer_ft.caffe.message import Message
from chainer_ft.errors import FormatError
from chainer_ft.links import initialize

Array = Any
_LARGEST = (1 << 31) - 1
_fills = ContextVar("chainer_ft_caffe_fills", default=True)


class NetError(FormatError):
    """A net that cannot be built or run; names file, line and layer."""


def layer_error(layer: Message, trouble: str, field: str = "") -> NetError:
    """An error of a layer.

    Args:
        layer: Its ``LayerParameter``.
        trouble: What is wrong with it.
        field: The field that is to blame.
    """
    return NetError(f"{layer.where(field or None)}: {title(layer)}: {trouble}")


def title(layer: Message) -> str:
    """What a layer is called in messages."""
    return f"layer {layer.name!r} ({layer.type or 'no type'})"


@contextmanager
def no_filling() -> Iterator[None]:
    """Leave arrays that are made in the block as they are: something is copied into them."""
    token = _fills.set(False)
    try:
        yield
    finally:
        _fills.reset(token)


class Filler(chainer.Initializer):  # type: ignore[misc]
    """A filler of Caffe's as an initializer of Chainer's.

    Args:
        filler: A ``FillerParameter``.
        transposed: Whether the array is the transposed of Caffe's blob.
    """

    def __init__(self, filler: Message, transposed: bool = False) -> None:
        super().__init__()
        check_filler(filler)
        self.filler, self.transposed = filler, transposed

    def __call__(self, array: Array) -> None:
        if not _fills.get():
            return
        if self.filler.type == "constant":  # in place: a deploy net has nothing else
            array.fill(self.filler.value)
            return
        shape = array.shape[::-1] if self.transposed else array.shape
        values = fill(self.filler, shape)
        device = backend.get_device_from_array(array)
        device.xp.copyto(array, device.send(values.T if self.transposed else values))


def filler_of(parameter: Message, field: str, default: float = 0.0) -> Filler:
    """The filler in a field; a constant if there is none."""
    if parameter.has(field):
        return Filler(getattr(parameter, field))
    return Filler(Message("FillerParameter", value=default))


def lay_out(parameter: chainer.Parameter, shape: tuple[int, ...]) -> None:
    """Give a parameter its array, if it has none.

    Raises:
        ValueError: It has one of another shape.
    """
    if parameter.array is None:
        parameter.cleargrad()  # else Chainer makes a gradient of the same size, of nan
        initialize(parameter, shape)
    elif parameter.shape != shape:
        raise ValueError(
            f"weights of shape {shape} are needed, and those there are {parameter.shape}"
        )


def output_count(layer: Message, parameter: Message) -> int:
    """The ``num_output`` of a layer.

    Raises:
        NetError: It is missing, or more than a blob of Caffe's can hold.
    """
    count: int = parameter.num_output
    if not count:
        raise layer_error(layer, "num_output is missing")
    if count > _LARGEST:
        raise layer_error(layer, f"num_output is {count}; a blob has at most {_LARGEST} numbers")
    return count


def canonical_axis(axis: int, ndim: int) -> int:
    """An axis counted from the front; negative ones count from the end.

    Raises:
        ValueError: There is no such axis.
    """
    if not -ndim <= axis < ndim:
        raise ValueError(f"there is no axis {axis} in a blob of {ndim} axes")
    return axis % ndim


def as_labels(blob: Array, shape: tuple[int, ...], classes: int, ignored: int | None) -> Array:
    """Labels as integers, checked.

    Caffe keeps labels as floats and cuts their fraction off; what is out of range reads memory
    that is not the blob's there, and is an error here.

    Args:
        blob: The label blob.
        shape: What the labels are reshaped to.
        classes: How many there are.
        ignored: A label that may be out of range.

    Raises:
        ValueError: Not as many labels as scores, or a label out of range.
    """
    array = blob.array if isinstance(blob, chainer.Variable) else blob
    if array.size != prod(shape):
        raise ValueError(
            f"{array.size} labels of shape {array.shape} for {prod(shape)} places of shape {shape}"
        )
    labels = array.reshape(shape).astype("i4")
    wrong = (labels < 0) | (labels >= classes)
    if ignored is not None:
        wrong &= labels != ignored
    if wrong.any():
        first = int(labels[wrong][0])
        raise ValueError(f"label {first} is not one of the {classes} classes 0 to {classes - 1}")
    return labels


def constant(array: Array) -> chainer.Variable:
    """A Variable through which no gradient flows."""
    return chainer.Variable(array, requires_grad=False)
