"""Images for training: found, checked, parted, decoded ahead, prepared as the weights want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainer_ft.lazy import lazily

if TYPE_CHECKING:
    from chainer_ft.images.augmentation import Augmentation as Augmentation
    from chainer_ft.images.batches import Batches as Batches
    from chainer_ft.images.dataset import Dataset as Dataset
    from chainer_ft.images.finding import find as find
    from chainer_ft.images.from_caffe import CaffeInput as CaffeInput
    from chainer_ft.images.from_caffe import caffe_input as caffe_input
    from chainer_ft.images.items import Images as Images
    from chainer_ft.images.items import Item as Item
    from chainer_ft.images.opening import open_picture as open_picture
    from chainer_ft.images.picture import Picture as Picture
    from chainer_ft.images.preprocessing import Preprocessing as Preprocessing
    from chainer_ft.images.statistics import Statistics as Statistics

#: Resolved when used: a process that only decodes imports no Chainer, the command line no NumPy.
_HOMES = {
    "Augmentation": "augmentation",
    "Batches": "batches",
    "CaffeInput": "from_caffe",
    "Dataset": "dataset",
    "Images": "items",
    "Item": "items",
    "Picture": "picture",
    "Preprocessing": "preprocessing",
    "Statistics": "statistics",
    "caffe_input": "from_caffe",
    "find": "finding",
    "open_picture": "opening",
}

__all__ = sorted(_HOMES)

__getattr__ = lazily(__name__, _HOMES)
