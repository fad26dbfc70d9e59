"""What a Caffe net expects of its images, read from its prototxt and its mean file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chainer_ft.caffe.data.transform import read_mean
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import read_net
from chainer_ft.caffe.state import kept_layers, net_state
from chainer_ft.errors import FormatError, UsageError
from chainer_ft.images.preprocessing import Preprocessing

_DATA = ("Data", "ImageData", "MemoryData", "WindowData", "Input", "HDF5Data", "DummyData")
_USUAL = 256  # the side to which images for ImageNet are squeezed before they are cropped


@dataclass(frozen=True)
class CaffeInput:
    """What a Caffe net says of its input.

    Args:
        preprocessing: As far as it says.
        notes: What had to be guessed, or is missing.
    """

    preprocessing: Preprocessing
    notes: tuple[str, ...] = ()


def caffe_input(
    net: Message | str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    depth: int | None = None,
    mean_file: str | os.PathLike[str] | None = None,
    root: str = "",
) -> CaffeInput:
    """Read what a net expects: ``transform_param``, the mean file, the shape of the input.

    Args:
        net: A prototxt, a ``.caffemodel`` that has its net inside, or a ``NetParameter``.
        size: Height and width, where the net leaves them open or others are wanted.
        depth: Channels, where the net leaves them open: those that its first weights have. 3 by
            default.
        mean_file: A ``.binaryproto``, instead of the one that the net names.
        root: Folder that the net's mean file is relative to; the current one by default.

    Raises:
        UsageError: Nobody says how large the input is.
        FormatError: A file cannot be read, or ``mean_file`` is no mean.

    Example:
        >>> from chainer_ft.caffe.prototxt import parse_net
        >>> text = '''layer { name: "in" type: "Data" top: "data" transform_param {
        ...   crop_size: 227 mean_value: 104 mean_value: 117 mean_value: 123 } }'''
        >>> made = caffe_input(parse_net(text, "net.prototxt"))
        >>> made.preprocessing.shape, made.preprocessing.channels, made.preprocessing.mean
        ((3, 227, 227), 'BGR', (104.0, 117.0, 123.0))
    """
    message = net if isinstance(net, Message) else read_net(net)
    layer = _data_layer(message)
    notes: list[str] = []
    mean = _mean(layer, mean_file, root, notes)
    shape = _shape(layer, mean)
    height, width = size or shape[1:]
    if not (height and width):
        raise UsageError(
            f"{layer.where()}: the net does not say how large its images are; give the size, "
            "--size HEIGHTxWIDTH"
        )
    share = _crop(layer, mean, (height, width), notes)
    numbers = _numbers(layer, mean, (height, width), notes)
    preprocessing = Preprocessing(
        (height, width),
        "L" if (shape[0] or depth) == 1 else "BGR",
        scale=float(layer.transform_param.scale),
        mean=numbers,
        crop=share,
        squash=True,
    )
    return CaffeInput(preprocessing, tuple(notes))


def _data_layer(net: Message) -> Message:
    """The layer that images come from: of the TEST phase, else of any; else one without a word."""
    for layers in (kept_layers(net, net_state(net, "TEST")), list(net.layer)):
        found = [layer for layer in layers if layer.type in _DATA]
        if found:
            return found[0]
    return Message("LayerParameter", net.layer[0].where() if net.layer else None, type="Input")


def _mean(
    layer: Message, mean_file: str | os.PathLike[str] | None, root: str, notes: list[str]
) -> np.ndarray | None:
    """The mean image: (channels, height, width)."""
    if mean_file is not None:
        return read_mean(os.fspath(mean_file))
    named = layer.transform_param.mean_file
    if not named:
        return None
    try:
        return read_mean(os.path.join(root, named))
    except FormatError as error:
        notes.append(f"no mean is subtracted: {error}; the net was trained with one")
        return None


def _shape(layer: Message, mean: np.ndarray | None) -> tuple[int, int, int]:
    """Channels, height and width of the input, 0 where nobody says."""
    shape = next(_shapes(layer), (0, 0, 0))
    if mean is not None:
        shape = tuple(known or other for known, other in zip(shape, mean.shape, strict=True))  # type: ignore[assignment]
    side = layer.transform_param.crop_size
    return (shape[0], side or shape[1], side or shape[2])


def _shapes(layer: Message) -> Iterator[tuple[int, int, int]]:
    """What the layer itself says, and its ways to say so."""
    for blob in layer.input_param.shape:
        if len(blob.dim) == 4:
            yield blob.dim[1], blob.dim[2], blob.dim[3]
    images, memory, transform = (
        layer.image_data_param,
        layer.memory_data_param,
        layer.transform_param,
    )
    if layer.has("memory_data_param"):
        yield memory.channels, memory.height, memory.width
    is_grey = transform.force_gray or (layer.has("image_data_param") and not images.is_color)
    several = len(transform.mean_value) if len(transform.mean_value) > 1 else 0
    yield 1 if is_grey else several, images.new_height, images.new_width


def _crop(
    layer: Message, mean: np.ndarray | None, size: tuple[int, int], notes: list[str]
) -> float:
    """The share of the side that is seen."""
    side = layer.transform_param.crop_size
    if not side:
        return 1.0
    whole = mean.shape[1] if mean is not None else layer.image_data_param.new_height
    if not whole and side < _USUAL <= 2 * side:
        notes.append(
            f"the middle {side} of {_USUAL} pixels is taken, as is usual; the net says not"
        )
        whole = _USUAL
    return min(side / whole, 1.0) if whole else 1.0


def _numbers(
    layer: Message, mean: np.ndarray | None, size: tuple[int, int], notes: list[str]
) -> tuple[float, ...]:
    """What is subtracted: of each number of the input, or of each channel."""
    if mean is None:
        return tuple(float(value) for value in layer.transform_param.mean_value) or (0.0,)
    side = layer.transform_param.crop_size
    if side and mean.shape[1] >= side and mean.shape[2] >= side:
        top, left = (mean.shape[1] - side) // 2, (mean.shape[2] - side) // 2
        mean = mean[:, top : top + side, left : left + side]
    if mean.shape[1:] != size:
        notes.append(
            f"of the {mean.shape[1]}x{mean.shape[2]} mean image each channel's mean is used"
        )
        mean = mean.mean(axis=(1, 2))
    return tuple(mean.ravel().tolist())
