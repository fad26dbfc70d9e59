"""Arrays in a pickle: NumPy's, CuPy's and ChainerX's, in every spelling that was ever written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from chainer_ft.errors import FormatError
from chainer_ft.formats.pickled.records import Bag, Call, Global, Huge, Mapping, Raw
from chainer_ft.formats.pickled.strings import short_text

_RECONSTRUCT = re.compile(r"numpy\.(core|_core)\.multiarray\._reconstruct")
_FROMBUFFER = re.compile(r"numpy\.(core|_core)\.numeric\._frombuffer")
_SCALAR = re.compile(r"numpy\.(core|_core)\.multiarray\.scalar")
#: PyCUDA in Chainer 1.0 to 1.2, Chainer's own cupy, and CuPy 1 to 14.
_DEVICE = re.compile(
    r"chainer\.cuda\._reconstruct|cupy\.creation\.from_data\.array"
    r"|cupy\.core\.core\.(array|_ndarray_from_numpy)|cupy\._core\.core\.(array|_ndarray_from_numpy)"
)
_VARIABLE = re.compile(
    r"chainer\.variable\.(Variable|Parameter|_create_variable|_recover_parameter)"
)
_CODE = re.compile(r"[<>|=]?([biufcSUV?])(\d{0,9})")
_DEEPEST = 16


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


@dataclass(frozen=True)
class NoArray:
    """Something that calls itself an array and cannot be read: an object array, say."""

    why: str
    shape: tuple[int, ...] | None = None


class Arrays:
    """Reads records of one stream as arrays.

    Args:
        data: The stream.
        path: For messages.
    """

    def __init__(self, data: Any, path: str) -> None:
        self.data, self.path = data, path

    def text(self, raw: Any) -> str | None:
        """A short string, ``None`` for anything else."""
        return short_text(self.data, raw)

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
        return isinstance(record, Call) and _VARIABLE.fullmatch(record.name) is not None

    def _inside(self, record: Call) -> tuple[Any] | None:
        """What is wrapped: a variable's data, a device array's host copy."""
        name, args = record.name, record.args
        if (_DEVICE.fullmatch(name) or _VARIABLE.fullmatch(name)) and args:
            return (args[0],)
        if record.how == "newobj" and name == "chainerx.ndarray" or self._is_chainerx(record):
            state = record.states[-1] if record.states else None
            return (state[0],) if isinstance(state, tuple) and state else None
        if name == "dill._dill._create_array" and len(args) >= 3 and isinstance(args[1], tuple):
            made = Call(args[0], args[1], "reduce", record.offset)
            made.states.append(args[2])
            return (made,)
        return None

    def _is_chainerx(self, record: Call) -> bool:
        first = record.args[0] if record.args else None
        reconstructed = record.name in ("copy_reg._reconstructor", "copyreg._reconstructor")
        return reconstructed and isinstance(first, Global) and str(first) == "chainerx.ndarray"

    def _own(self, record: Call) -> ArrayRef | NoArray | None:
        if _RECONSTRUCT.fullmatch(record.name):
            return self._reconstructed(record)
        if _FROMBUFFER.fullmatch(record.name):
            return self._from_buffer(record)
        if _SCALAR.fullmatch(record.name):
            return self._scalar(record)
        return None

    def _reconstructed(self, record: Call) -> ArrayRef | NoArray:
        """State is ``([version,] shape, dtype, is_fortran, bytes)``; the arguments are dummies."""
        state = record.states[-1] if record.states else None
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise self._damaged(record, "an array without its state")
        shape, dtype, fortran, data = state[-4:]
        return self._made(record, shape, dtype, bool(fortran is True or fortran == 1), data)

    def _from_buffer(self, record: Call) -> ArrayRef | NoArray:
        if len(record.args) != 4:
            raise self._damaged(record, "_frombuffer takes four arguments")
        data, dtype, shape, order = record.args
        return self._made(record, shape, dtype, self.text(order) == "F", data)

    def _scalar(self, record: Call) -> ArrayRef | NoArray:
        if len(record.args) != 2:
            raise self._damaged(record, "a scalar takes a dtype and bytes")
        return self._made(record, (), record.args[0], False, record.args[1])

    def _made(
        self, record: Call, shape: Any, dtype_record: Any, fortran: bool, data: Any
    ) -> ArrayRef | NoArray:
        sizes = self._shape(record, shape)
        dtype = self.dtype(dtype_record)
        if isinstance(dtype, NoArray):
            return NoArray(dtype.why, sizes)
        raw, as_latin1 = self._payload(record, data)
        made = ArrayRef(dtype, sizes, fortran, raw, as_latin1, record)
        stored = len(raw) if raw is not None else 0
        if made.nbytes > stored or (made.is_plain and made.nbytes != stored):
            raise self._damaged(
                record, f"shape {sizes} of {dtype} is {made.nbytes} bytes, but {stored} are stored"
            )
        return made

    def _shape(self, record: Call, shape: Any) -> tuple[int, ...]:
        sizes = (shape,) if type(shape) is int else shape
        if (
            not isinstance(sizes, tuple)
            or len(sizes) > 32
            or any(type(n) is not int or not 0 <= n < 1 << 60 for n in sizes)
            or prod(n for n in sizes if n) >= 1 << 60
        ):
            raise self._damaged(record, "an array of an impossible shape")
        return sizes

    def _payload(self, record: Call, data: Any) -> tuple[Raw | None, bool]:
        """The numbers: bytes, or text that stands for bytes, or nothing."""
        if isinstance(data, Raw):
            return data, data.coding in ("text", "unicode")
        if isinstance(data, Call):
            if data.name in ("__builtin__.bytes", "builtins.bytes", "builtins.bytearray"):
                if not data.args:
                    return None, False
                return self._payload(record, data.args[0])
            if data.name == "_codecs.encode" and data.args and isinstance(data.args[0], Raw):
                encoding = self.text(data.args[1]) if len(data.args) > 1 else "utf-8"
                if encoding in ("latin1", "latin-1"):
                    return data.args[0], True
            if data.name in ("__builtin__.bytearray", "pickle.PickleBuffer") and data.args:
                return self._payload(record, data.args[0])
        raise self._damaged(record, "an array whose numbers are no bytes")

    def dtype(self, record: Any, depth: int = 0) -> np.dtype | NoArray:
        """A dtype from its record: ``numpy.dtype(code, align, copy)`` and its state."""
        if not isinstance(record, Call) or record.name != "numpy.dtype" or not record.args:
            return NoArray("of an unknown dtype")
        state = record.states[-1] if record.states else None
        fields = state if isinstance(state, tuple) and len(state) >= 5 else (3, None, None, None, None)
        if isinstance(fields[3], tuple):
            return self._structured(fields, depth)
        if fields[2] is not None:
            return NoArray("of a subarray dtype")
        code = _CODE.fullmatch(self.text(record.args[0]) or "")
        if code is None:
            return NoArray("object array: reading it would run code")
        order = self.text(fields[1])
        made = np.dtype(code[1] + code[2])
        size = fields[5] if len(fields) > 5 and type(fields[5]) is int else -1
        if made.kind in "SUV" and 0 <= size < 1 << 30 and not code[2]:
            made = np.dtype(f"{code[1]}{size // (4 if code[1] == 'U' else 1)}")
        return made.newbyteorder(order) if order in ("<", ">") else made

    def _structured(self, state: tuple[Any, ...], depth: int) -> np.dtype | NoArray:
        names = [self.text(name) for name in state[3]]
        fields = self.dictionary(state[4])
        if depth > 4 or len(names) > 1000 or None in names:
            return NoArray("of an unknown dtype")
        formats, offsets = [], []
        for name in names:
            field = fields.get(name or "")
            inner = self.dtype(field[0], depth + 1) if isinstance(field, tuple) and field else None
            if not isinstance(inner, np.dtype) or type(field[1]) is not int:
                return NoArray("of an unknown dtype")
            formats.append(inner)
            offsets.append(field[1])
        size = state[5] if len(state) > 5 and type(state[5]) is int else -1
        try:
            spec: Any = {"names": names, "formats": formats, "offsets": offsets}
            return np.dtype({**spec, "itemsize": size} if 0 < size < 1 << 30 else spec)
        except (ValueError, TypeError):
            return NoArray("of an unknown dtype")

    def dictionary(self, record: Any) -> dict[str, Any]:
        """A dictionary by its text keys; other keys are left out, the last value wins."""
        pairs = record.pairs if isinstance(record, Mapping) else ()
        return {key: value for k, value in pairs if (key := self.text(k)) is not None}

    def names(self, record: Any) -> list[str]:
        """The strings in a list, tuple, set or the keys of a dictionary, in order."""
        items: Any = ()
        if isinstance(record, (list, tuple)):
            items = record
        elif isinstance(record, Bag):
            items = record.items
        elif isinstance(record, Mapping):
            items = [key for key, _ in record.pairs]
        elif isinstance(record, Call):  # __builtin__.set([...]), and dill's spelling
            items = record.args[0] if record.args and isinstance(record.args[0], list) else ()
        return [text for item in items if (text := self.text(item)) is not None]

    def _damaged(self, record: Call, why: str) -> FormatError:
        return FormatError(f"{self.path}: damaged pickle at byte {record.offset}: {why}")


def number_of(value: Any) -> np.ndarray | None:
    """A Python number as a 0-d array, as Chainer saves it; ``None`` for what is none."""
    if isinstance(value, (bool, int, float)) and not isinstance(value, Huge):
        array = np.asarray(value)
        return None if array.dtype == object else array
    return None
