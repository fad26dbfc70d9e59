"""What NumPy 2 changed about arrays and their functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from chainer_ft.compat import _probe
from chainer_ft.compat._patch import Patch


def _patch_categorical(module: Any) -> None:
    import numpy

    def log_prob(self: Any, x: Any) -> Any:
        chosen = getattr(x, "array", x).astype(numpy.int32)
        return self.log_p[tuple(numpy.indices(self.batch_shape)) + (chosen,)]  # noqa: RUF005

    module.Categorical.log_prob = log_prob


def _patch_pad_sequence(module: Any) -> None:
    forward = module.PadSequence.forward

    @functools.wraps(forward)
    def wrapping_forward(self: Any, xs: Any) -> Any:
        self.padding = wrap_round(self.padding, xs[0].dtype)
        return forward(self, xs)

    module.PadSequence.forward = wrapping_forward


def _patch_concat(module: Any) -> None:
    import numpy

    def concat_with_padding(arrays: Any, padding: Any) -> Any:
        """Stack arrays of different sizes in one that is as large as the largest."""
        shape = numpy.max([array.shape for array in arrays], axis=0)
        dtype = arrays[0].dtype
        device = module.backend.get_device_from_array(arrays[0])
        with module.chainer.using_device(device):
            result = device.xp.full((len(arrays), *shape), wrap_round(padding, dtype), dtype)
            for index, array in enumerate(arrays):
                result[(index, *map(slice, array.shape))] = array
        return result

    module._concat_arrays_with_padding = concat_with_padding


def wrap_round(value: Any, dtype: Any) -> Any:
    """A Python integer as NumPy 1 stored it in an integer array.

    Example:
        >>> int(wrap_round(-1, "uint8"))
        255
    """
    import numpy

    if type(value) is int and numpy.dtype(dtype).kind in "iu":
        return numpy.array(value).astype(dtype)[()]
    return value


def _patch_debug_print(module: Any) -> None:
    debug_print = module.Variable.debug_print

    @functools.wraps(debug_print)
    def debug_print_cpu(self: Any) -> str:
        return str(debug_print(self)).replace("\n- device: cpu\n", "\n- device: CPU\n", 1)

    module.Variable.debug_print = debug_print_cpu


def _patch_maxout(module: Any) -> None:
    init = module.Maxout.__init__
    base = module.initializer.Initializer

    class OnView(base):  # type: ignore[misc, valid-type]
        """Hands a function the three-axis view of the weight that it expects."""

        def __init__(self, function: Callable[[Any], None], shape: tuple[int, ...]) -> None:
            super().__init__()
            self._function, self._shape = function, shape

        def __call__(self, array: Any) -> None:
            self._function(array.reshape(self._shape))

    def on_view(value: Any, *shape: int) -> Any:
        is_plain_function = callable(value) and not isinstance(value, base)
        return OnView(value, shape) if is_plain_function else value

    @functools.wraps(init)
    def init_on_views(
        self: Any,
        in_size: int,
        out_size: int,
        pool_size: int,
        initialW: Any = None,  # noqa: N803  (Chainer's name)
        initial_bias: Any = 0,
    ) -> None:
        weight = on_view(initialW, out_size, pool_size, in_size)
        bias = on_view(initial_bias, out_size, pool_size)
        init(self, in_size, out_size, pool_size, weight, bias)

    module.Maxout.__init__ = init_on_views


def _patch_fix(module: Any) -> None:
    @functools.wraps(module.fix)
    def fix(x: Any) -> Any:
        if isinstance(x, module.chainer.variable.Variable):
            x = x.array
        xp = module.backend.get_array_module(x)
        return module.chainer.as_variable(module.utils.force_array(xp.trunc(x), x.dtype))

    module.fix = fix


PATCHES = (
    Patch(
        name="categorical-meshgrid",
        module="chainer.distributions.categorical",
        where="chainer/distributions/categorical.py:74, :76",
        reason="numpy.meshgrid returns a tuple, to which Categorical.log_prob adds a list.",
        needed=_probe.meshgrid_is_tuple,
        apply=_patch_categorical,
    ),
    Patch(
        name="pad-sequence-wrap",
        module="chainer.functions.array.pad_sequence",
        where="chainer/functions/array/pad_sequence.py:55",
        reason="F.pad_sequence(padding=-1) of unsigned arrays raises instead of wrapping round.",
        needed=_probe.integers_do_not_wrap,
        apply=_patch_pad_sequence,
    ),
    Patch(
        name="concat-padding",
        module="chainer.dataset.convert",
        where="chainer/dataset/convert.py:322, :327",
        reason="concat_examples(padding=-1) of unsigned arrays raises, and any padding of unequal "
        "arrays warns since NumPy 2.5 (numpy.maximum with three positional arguments).",
        needed=_probe.integers_do_not_wrap,
        apply=_patch_concat,
    ),
    Patch(
        name="variable-device",
        module="chainer.variable",
        where="chainer/variable.py:820",
        reason="numpy.ndarray has an attribute `device`, which Variable.debug_print prints "
        "instead of CPU.",
        needed=_probe.arrays_have_device,
        apply=_patch_debug_print,
    ),
    Patch(
        name="fix-trunc",
        module="chainer.functions.math.fix",
        where="chainer/functions/math/fix.py:22",
        reason="NumPy 2.5 deprecates numpy.fix, so F.fix warns.",
        needed=_probe.fix_is_deprecated,
        apply=_patch_fix,
    ),
    Patch(
        name="maxout-shape",
        module="chainer.links.activation.maxout",
        where="chainer/links/activation/maxout.py:75, :77, :91, :93",
        reason="NumPy 2.5 warns when array.shape is assigned, as L.Maxout does for an "
        "initializer that is a function.",
        needed=_probe.shape_is_not_settable,
        apply=_patch_maxout,
    ),
)
