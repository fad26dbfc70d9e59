"""Arrays in a pickle: NumPy's, CuPy's and ChainerX's, in every spelling that was ever written."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from chainer_ft.errors import FormatError
from chainer_ft.formats.pickled.dtypes import Dtypes, NoArray
from chainer_ft.formats.pickled.records import Call, Global, Raw
from chainer_ft.formats.pickled.texts import Texts

__all__ = ["ArrayRef", "Arrays", "NoArray"]

_CORES = ("numpy.core", "numpy._core")
_RECONSTRUCT = {f"{core}.multiarray._reconstruct" for core in _CORES}
_FROMBUFFER = {f"{core}.numeric._frombuffer" for core in _CORES}
_SCALAR = {f"{core}.multiarray.scalar" for core in _CORES}
_CUPY = ("cupy.core.core", "cupy._core.core")
#: The first argument is what matters: PyCUDA's arrays in Chainer 1.0 to 1.2, those of Chainer's
#: own cupy and of CuPy 1 to 14, and variables.
_VARIABLES = {
    f"chainer.variable.{name}"
    for name in ("Variable", "Parameter", "_create_variable", "_recover_parameter")
}
_WRAPPERS = {
    *("chainer.cuda._reconstruct", "cupy.creation.from_data.array"),
    *(f"{core}.{name}" for core in _CUPY for name in ("array", "_ndarray_from_numpy")),
    *_VARIABLES,
}
_RECONSTRUCTORS = ("copy_reg._reconstructor", "copyreg._reconstructor")
_BYTES = {
    *("__builtin__.bytes", "builtins.bytes", "__builtin__.bytearray", "builtins.bytearray"),
    "pickle.PickleBuffer",
}
_DEEPEST = 16
_MOST_SIZE = 1 << 60


@dataclass(frozen=True, eq=False)
class ArrayRef:
    """An array that is still in the stream.

    Args:
        dtype: Its dtype.
        shape: Its shape.
        fortran: Whether the numbers stand column by column.
        raw: Where the numbers are; ``None`` for an array of no numbers.
        as_latin1: Whether they are text that stands for bytes.
        record: The record that it was made from; one record is one array.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    raw: Raw | None
    as_latin1: bool
    record: Any

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def is_plain(self) -> bool:
        """Whether the numbers stand in the stream as they are in memory."""
        return self.raw is not None and not self.as_latin1 and self.raw.coding != "escaped"


class Arrays:
    """Reads records of one stream as arrays.

    Args:
        data: The stream.
        path: For messages.
    """

    def __init__(self, data: Any, path: str) -> None:
        self.data, self.path = data, path
        self.texts = Texts(data, path)
        self._dtypes = Dtypes(self.texts)

    def find(self, record: Any) -> ArrayRef | NoArray | None:
        """The array that a record stands for, through variables and devices.

        Raises:
            FormatError: It is an array, and a damaged one.
        """
        for _ in range(_DEEPEST):
            if not isinstance(record, Call):
                return None
            inner = self._inside(record)
            if inner is None:
                return self._own(record)
            record = inner[0]
        return None

    def find_quietly(self, record: Any) -> ArrayRef | NoArray | None:
        """The same, with a damaged array as one that cannot be read."""
        try:
            return self.find(record)
        except FormatError as error:
            return NoArray(str(error))

    def is_variable(self, record: Any) -> bool:
        """Whether this is a chainer.Variable or Parameter."""
        return isinstance(record, Call) and record.name in _VARIABLES

    def _inside(self, record: Call) -> tuple[Any] | None:
        """What is wrapped: a variable's data, a device array's host copy."""
        name, args = record.name, record.args
        if name in _WRAPPERS and args:
            return (args[0],)
        if _is_chainerx(record):
            state = record.states[-1] if record.states else None
            return (state[0],) if isinstance(state, tuple) and state else None
        if name == "dill._dill._create_array" and len(args) >= 3 and isinstance(args[1], tuple):
            return (Call(args[0], args[1], "reduce", record.offset, (args[2],)),)
        return None

    def _own(self, record: Call) -> ArrayRef | NoArray | None:
        name = record.name
        if name in _RECONSTRUCT:
            return self._reconstructed(record)
        if name in _FROMBUFFER:
            return self._from_buffer(record)
        return self._scalar(record) if name in _SCALAR else None

    def _reconstructed(self, record: Call) -> ArrayRef | NoArray:
        """State is ``([version,] shape, dtype, is_fortran, bytes)``; the arguments are dummies."""
        state = record.states[-1] if record.states else None
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise self._damaged(record, "an array without its state")
        shape, dtype, fortran, data = state[-4:]
        return self._made(record, shape, dtype, fortran is True or fortran == 1, data)

    def _from_buffer(self, record: Call) -> ArrayRef | NoArray:
        if len(record.args) != 4:
            raise self._damaged(record, "_frombuffer takes four arguments")
        data, dtype, shape, order = record.args
        return self._made(record, shape, dtype, self.texts.text(order) == "F", data)

    def _scalar(self, record: Call) -> ArrayRef | NoArray:
        if len(record.args) != 2:
            raise self._damaged(record, "a scalar takes a dtype and bytes")
        return self._made(record, (), record.args[0], False, record.args[1])

    def _made(
        self, record: Call, shape: Any, dtype_record: Any, fortran: bool, data: Any
    ) -> ArrayRef | NoArray:
        sizes = self._shape(record, shape)
        dtype = self._dtypes.dtype(dtype_record)
        if isinstance(dtype, NoArray):
            return NoArray(dtype.why, sizes)
        raw, as_latin1 = self._payload(record, data)
        made = ArrayRef(dtype, sizes, fortran, raw, as_latin1, record)
        if dtype.itemsize * prod(n for n in sizes if n) >= _MOST_SIZE:  # zeros or not
            raise self._damaged(record, f"an array of the impossible shape {sizes}")
        stored = len(raw) if raw is not None else 0
        if made.nbytes > stored or (made.is_plain and made.nbytes != stored):
            raise self._damaged(
                record, f"shape {sizes} of {dtype} is {made.nbytes} bytes, but {stored} are stored"
            )
        return made

    def _shape(self, record: Call, shape: Any) -> tuple[int, ...]:
        """Sizes that NumPy can count with; a bool is none."""
        sizes = (shape,) if type(shape) is int else shape
        if (
            not isinstance(sizes, tuple)
            or len(sizes) > 32
            or any(type(n) is not int or not 0 <= n < _MOST_SIZE for n in sizes)
            or prod(n for n in sizes if n) >= _MOST_SIZE
        ):
            raise self._damaged(record, "an array of an impossible shape")
        return sizes

    def _payload(self, record: Call, data: Any) -> tuple[Raw | None, bool]:
        """The numbers: bytes, or text that stands for bytes, or nothing."""
        for _ in range(_DEEPEST):
            if isinstance(data, Raw):
                return data, data.coding in ("text", "unicode")
            if not isinstance(data, Call):
                break
            text = self.texts.encoded(data)
            if text is not None:
                return text, True
            if data.name not in _BYTES:
                break
            if not data.args:
                return None, False
            data = data.args[0]
        raise self._damaged(record, "an array whose numbers are no bytes")

    def _damaged(self, record: Call, why: str) -> FormatError:
        return FormatError(f"{self.path}: damaged pickle at byte {record.offset}: {why}")


def _is_chainerx(record: Call) -> bool:
    made: Any = record.func if record.how == "newobj" else None
    if record.name in _RECONSTRUCTORS and record.args:
        made = record.args[0]
    return isinstance(made, Global) and made.full == "chainerx.ndarray"
