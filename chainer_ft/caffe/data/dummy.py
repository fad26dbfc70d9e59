"""The layer ``DummyData``: numbers from fillers."""

from __future__ import annotations

from chainer_ft.caffe.data.generated import one_each, shape_of
from chainer_ft.caffe.data.options import Options
from chainer_ft.caffe.data.source import Batch, BatchSource
from chainer_ft.caffe.fillers import check_filler, fill
from chainer_ft.caffe.message import Message


class DummySource(BatchSource):
    """What the fillers of a ``DummyData`` layer make; random ones make others for each batch.

    Args:
        layer: The layer.
        options: Phase, seed, folder.

    Raises:
        UsageError: There are more or fewer shapes or fillers than tops.
        FormatError: There is no such filler.
    """

    is_slow = False

    def __init__(self, layer: Message, options: Options) -> None:
        self._shapes = _shapes(layer)
        self._draws = options.draws(layer.name)
        given = list(layer.dummy_data_param.data_filler) or [Message("FillerParameter")]
        self._fillers = one_each(layer, given, "data_filler")
        for filler in self._fillers:
            check_filler(filler)

    def batch(self, index: int) -> Batch:
        random = self._draws.at("batch", index)
        both = zip(self._fillers, self._shapes, strict=True)
        return tuple(fill(filler, shape, random) for filler, shape in both)


def _shapes(layer: Message) -> list[tuple[int, ...]]:
    param = layer.dummy_data_param
    if param.shape:
        return one_each(layer, [shape_of(shape) for shape in param.shape], "shape")
    axes = (
        one_each(layer, list(getattr(param, axis)), axis)
        for axis in ("num", "channels", "height", "width")
    )
    return list(zip(*axes, strict=True))
