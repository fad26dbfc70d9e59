"""Datum, the record of Caffe's databases: an image, raw or encoded, and its label."""

from __future__ import annotations

import numpy as np

from chainer_ft.caffe.binary_reader import read_binary
from chainer_ft.caffe.binary_writer import to_binary
from chainer_ft.caffe.data.images import decode
from chainer_ft.caffe.message import Message
from chainer_ft.errors import FormatError


def read_datum(value: bytes | memoryview, where: str) -> Message:
    """Read a record.

    Args:
        value: The record.
        where: Database and key, for messages.

    Returns:
        Message: A ``Datum``.

    Raises:
        FormatError: It is none, or it is damaged.
    """
    return read_binary(value, "Datum", where)


def datum_pixels(datum: Message, where: str, color: bool | None = None) -> np.ndarray:
    """The image of a Datum.

    Args:
        datum: The Datum.
        where: Database and key, for messages.
        color: Of an encoded one: three channels, one, or (by default) as stored.

    Returns:
        numpy.ndarray: (channels, height, width); uint8, or float32 where the Datum holds floats.
        Channels are blue, green, red if Caffe's tools wrote it.

    Raises:
        FormatError: The image cannot be decoded, or has another size than the Datum says.

    Example:
        >>> pixels = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
        >>> datum = read_datum(make_datum(pixels, label=4), "here")
        >>> datum.label, (datum_pixels(datum, "here") == pixels).all()
        (4, np.True_)
    """
    if datum.encoded:
        return decode(datum.data, where, color)
    shape = (datum.channels, datum.height, datum.width)
    if datum.data:
        values: np.ndarray = np.frombuffer(datum.data, np.uint8)
    else:
        values = np.asarray(datum.float_data, np.float32)
    if min(shape) < 1 or values.size != shape[0] * shape[1] * shape[2]:
        raise FormatError(
            f"{where}: a Datum of shape {shape} with {values.size} values; convert the images again"
        )
    return values.reshape(shape)


def make_datum(image: np.ndarray | bytes, label: int) -> bytes:
    """A Datum in Caffe's own format.

    Args:
        image: uint8 or floats, (channels, height, width), channels blue, green, red; or the bytes
            of an image file, which are kept as they are.
        label: The class.

    Returns:
        bytes: A record for a database.
    """
    if isinstance(image, bytes):
        return to_binary(Message("Datum", data=image, label=label, encoded=True))
    channels, height, width = image.shape
    datum = Message("Datum", channels=channels, height=height, width=width, label=label)
    if image.dtype == np.uint8:
        datum.set("data", np.ascontiguousarray(image).tobytes())
    else:
        datum.set("float_data", np.asarray(image, np.float32).ravel())
    return to_binary(datum)
