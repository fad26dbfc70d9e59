"""Arrays that were not computed: they have a shape and a dtype, and refuse to be read."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from chainer_ft.errors import ChainerFTError


class CannotReplay(ChainerFTError):  # noqa: N818  a signal between two functions, not a report
    """The model does something else than when it was watched, or more.

    Args:
        message: What.
        source: What it reads that is not computed.
    """

    def __init__(self, message: str, source: Any = None) -> None:
        super().__init__(message)
        self.source = source


class Ghost(np.ndarray):
    """Stands for an array that is not there; made by :func:`ghost`.

    Attributes:
        source: What it stands for.
    """

    source: Any = None

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise CannotReplay(
            f"the values of {self.source} are read outside of Chainer's functions",
            self.source,
        )

    __array_ufunc__ = __array_function__ = _refuse
    __getitem__ = __iter__ = __bool__ = __float__ = __int__ = __index__ = __complex__ = _refuse
    astype = copy = item = tolist = tobytes = reshape = transpose = ravel = flatten = _refuse
    squeeze = swapaxes = take = repeat = choose = dot = argmax = argmin = argsort = view = _refuse
    diagonal = trace = nonzero = searchsorted = compress = dump = dumps = tofile = _refuse
    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = _refuse


def ghost(shape: tuple[int, ...], dtype: Any, source: Any) -> Ghost:
    """Make one; should its values be read nevertheless, they are NaN.

    Example:
        >>> ghost((2, 3), "f", "an input").shape
        (2, 3)
    """
    dtype = np.dtype(dtype)
    value = np.full((), np.nan if dtype.kind in "fc" else _extreme(dtype), dtype)
    made = np.ndarray.__new__(Ghost, shape, dtype, value, 0, (0,) * len(shape))
    made.flags.writeable = False
    made.source = source
    return made


def _extreme(dtype: np.dtype[Any]) -> Any:
    return np.iinfo(dtype).max if dtype.kind in "iu" else True


def source_of(value: Any) -> Any:
    """What a value stands for, if it is a ghost or a Variable of one; else ``None``.

    Raises:
        CannotReplay: It was made of a ghost around Chainer's functions.
    """
    array = getattr(value, "array", value)
    if not isinstance(array, Ghost):
        return None
    if array.source is None:
        raise CannotReplay("an array that was not computed was changed outside of Chainer")
    return array.source
