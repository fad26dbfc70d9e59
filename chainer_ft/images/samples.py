"""Items and what is done to them: what a worker process needs, and no Chainer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from chainer_ft.images.augmentation import Augmentation
from chainer_ft.images.items import Images, Item, Store
from chainer_ft.images.preprocessing import Preprocessing
from chainer_ft.images.statistics import Statistics


class Place(NamedTuple):
    """One image of a batch.

    Attributes:
        image: Its number in its data set.
        epoch: Which sweep over the data set this belongs to, from 0.
    """

    image: int
    epoch: int


@dataclass(frozen=True)
class Samples:
    """Inputs of a net and their labels, by number.

    Args:
        items: Keys and labels.
        store: What opens them.
        preprocessing: What becomes of each.
        augmentation: What is random; nothing by default.
        seed: Of what is random.
    """

    items: tuple[Item, ...]
    store: Store
    preprocessing: Preprocessing
    augmentation: Augmentation | None = None
    seed: int = 0

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def labels(self) -> np.ndarray:
        """int32, (n,)."""
        return np.array([item.label for item in self.items], np.int32)

    def input(self, index: int, epoch: int = 0) -> np.ndarray:
        """The input of an item in an epoch: float32, (channels, height, width).

        The same whenever and in whatever process it is asked for.

        Raises:
            FormatError: The image is not there any more, or damaged.
        """
        picture = self.store.open(self.items[index].key)
        if self.augmentation is None:
            return self.preprocessing.apply(picture)
        height, width = self.preprocessing.size
        drawn = self.augmentation.draw(
            picture.size, width / height, seed=self.seed, epoch=epoch, index=index
        )
        cut = picture.cut(drawn.box, (width, height), self.preprocessing.interpolation)
        return self.preprocessing.normalise(np.asarray(drawn.apply(cut)))

    def statistics(self, count: int = 128) -> Statistics:
        """Mean and standard deviation of inputs without augmentation, channel by channel.

        Args:
            count: Of how many images, spread evenly over all.

        Raises:
            FormatError: An image is not there any more, or damaged.
        """
        chosen = np.linspace(0, len(self) - 1, min(count, len(self))).astype(int)
        open_one = (self.store.open(self.items[index].key) for index in chosen)
        return Statistics.of(np.stack([self.preprocessing.apply(one) for one in open_one]))


def part_of(images: Images, part: str) -> tuple[Item, ...]:
    """The items of ``train``, ``val`` or ``all``."""
    parts = {"train": images.train, "val": images.val, "all": images.train + images.val}
    return parts[part]
