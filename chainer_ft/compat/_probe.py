"""Questions to the installed libraries. Each is false on a stack that Chainer 7.8.1 knew.

They ask for a behaviour, not for a version, wherever the behaviour can be tried. Nothing is
imported at the top: `import chainer_ft` has to stay cheap.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import warnings
from collections.abc import Callable
from types import ModuleType


def lacks(module: ModuleType, name: str) -> bool:
    """Whether an attribute is gone; NumPy only warned about some before it removed them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return not hasattr(module, name)


def numpy_lacks(name: str) -> Callable[[], bool]:
    """A probe for one name of NumPy."""

    def probe() -> bool:
        import numpy

        return lacks(numpy, name)

    return probe


def _is_on_its_way_out(trial: Callable[[], object]) -> bool:
    """Whether what is tried warns that it will be gone, or is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            trial()
    except (DeprecationWarning, AttributeError, TypeError):
        return True
    return False


def meshgrid_is_tuple() -> bool:
    """NumPy 2: ``numpy.meshgrid`` returned a list before."""
    import numpy

    return isinstance(numpy.meshgrid([0]), tuple)


def integers_do_not_wrap() -> bool:
    """NumPy 2 (NEP 50): a Python integer outside of the dtype's range raises."""
    import numpy

    try:
        with warnings.catch_warnings():  # NumPy 1.24 to 1.26 wrap round and warn
            warnings.simplefilter("ignore")
            numpy.array(-1, numpy.uint8)
    except OverflowError:
        return True
    return False


def arrays_have_device() -> bool:
    """NumPy 2: ``numpy.ndarray.device`` is ``'cpu'``."""
    import numpy

    return hasattr(numpy.ndarray, "device")


def arrays_refuse_copy_false() -> bool:
    """NumPy 2, and CuPy 14 with it: ``array(copy=False)`` raises where it has to copy."""
    import numpy

    try:
        numpy.array(numpy.ones(1, numpy.float32), copy=False, dtype=numpy.float64)
    except ValueError:
        return True
    return False


def shape_is_not_settable() -> bool:
    """NumPy 2.5 warns when ``array.shape`` is assigned, and will raise."""
    import numpy

    return _is_on_its_way_out(lambda: setattr(numpy.zeros((1, 2)), "shape", (2, 1)))


def fix_is_deprecated() -> bool:
    """NumPy 2.5 warns about ``numpy.fix``, and will not have it."""
    import numpy

    return _is_on_its_way_out(lambda: numpy.fix(0.5))


def scalars_stay_narrow() -> bool:
    """NumPy 2 (NEP 50): a Python number times a float32 scalar was a float64."""
    import numpy

    return bool((1 * numpy.float32(1)).dtype != numpy.float64)


def arrays_are_no_scalars() -> bool:
    """NumPy 2.4: ``int`` and ``float`` of an array with one element and an axis raise.

    1.25 to 2.3 only warn.
    """
    import numpy

    return _is_on_its_way_out(lambda: float(numpy.zeros(1)))


def sparse_refuses_float16() -> bool:
    """SciPy refuses float16 in products (seen since 1.15); it widened it before."""
    try:
        import numpy
        from scipy import sparse  # type: ignore[import-untyped]

        one = numpy.ones(1, numpy.float16)
        where = numpy.zeros(1, numpy.int32)
        sparse.coo_matrix((one, (where, where)), shape=(1, 1)).dot(one)
    except ImportError:
        return False
    except (TypeError, ValueError):
        return True
    return False


def protobuf_refuses_old_code() -> bool:
    """protobuf 4: trying it out would leave half a file in the default descriptor pool."""
    from google import protobuf

    return release(protobuf.__version__) >= (4,)


def environment_check_fails() -> bool:
    """``numpy.distutils`` left with Python 3.12, ``pkg_resources`` with setuptools 81."""
    return importlib.util.find_spec("numpy.distutils") is None or pkg_resources_is_gone()


def pkg_resources_is_gone() -> bool:
    """Absent, or deprecated (setuptools 67.3): then it warns and takes long to import."""
    if sys.modules.get("pkg_resources") is not None:
        return False
    if importlib.util.find_spec("pkg_resources") is None:
        return True
    return installed("setuptools") >= (67, 3)


def children_need_patches() -> bool:
    """Whether a process started afresh could import Chainer; nothing is imported to know."""
    return (
        installed("numpy") >= (1, 24)
        or installed("protobuf") >= (4,)
        or sys.version_info >= (3, 12)
        or importlib.util.find_spec("pkg_resources") is None
    )


def set_daemon_is_deprecated() -> bool:
    """Python 3.10 warns about ``Thread.setDaemon``; a later one will not have it."""
    import threading

    return _is_on_its_way_out(lambda: threading.Thread().setDaemon(True))


def cupy_is_14() -> bool:
    """CuPy 14 or later serves Chainer; its kernels cannot be tried without a GPU."""
    cuda = sys.modules.get("chainer.backends.cuda")
    cupy = sys.modules.get("cupy")
    if cupy is None or not getattr(cuda, "available", False):
        return False
    return release(cupy.__version__) >= (14,)


def h5py_reads_bytes() -> bool:
    """h5py 3: strings arrive as bytes, and ``asstr`` is there to decode them."""
    try:
        import h5py
    except ImportError:
        return False
    return hasattr(h5py.Dataset, "asstr")


def always() -> bool:
    """For a module that is only built where it is missing."""
    return True


def installed(distribution: str) -> tuple[int, ...]:
    """The release of an installed distribution, or ``()``."""
    from importlib import metadata

    try:
        return release(metadata.version(distribution))
    except metadata.PackageNotFoundError:
        return ()


def release(version: str) -> tuple[int, ...]:
    """The numbers that a version starts with.

    Example:
        >>> release("13.0.0rc1")
        (13, 0, 0)
    """
    match = re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    return tuple(int(part) for part in match[1].split(".")) if match else ()
