"""Images as a data set of Chainer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Literal

import chainer
import numpy as np

from chainer_ft.images.augmentation import Augmentation
from chainer_ft.images.items import Images, stamp
from chainer_ft.images.picture import quiet
from chainer_ft.images.pool import Prepared
from chainer_ft.images.preprocessing import Preprocessing
from chainer_ft.images.samples import Place, Samples, part_of


class Dataset(chainer.dataset.DatasetMixin):  # type: ignore[misc]
    """Images, prepared for a net: examples are ``(input, label)``.

    Args:
        images: What :func:`chainer_ft.images.find` found.
        part: ``train``, ``val`` or ``all``, which is both, in this order.
        preprocessing: What becomes of each.
        augmentation: What is random, drawn anew in each epoch; nothing by default. Chainer's own
            iterators know no epochs here and get those of epoch 0 always; use
            :class:`~chainer_ft.images.Batches`.
        seed: Of what is random.

    Attributes:
        samples: The same without Chainer.

    Example:
        >>> import os, tempfile
        >>> from chainer_ft.images import find
        >>> file = os.path.join(tempfile.mkdtemp(), "digits.npz")
        >>> np.savez(file, x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
        >>> data = Dataset(find(file), "train", Preprocessing((4, 4), "L"))
        >>> x, t = data[0]
        >>> len(data), x.shape, x.dtype, int(t)
        (16, (1, 4, 4), dtype('float32'), 0)
    """

    def __init__(
        self,
        images: Images,
        part: Literal["train", "val", "all"],
        preprocessing: Preprocessing,
        augmentation: Augmentation | None = None,
        seed: int = 0,
    ) -> None:
        items = part_of(images, part)
        self.samples = Samples(items, images.store, preprocessing, augmentation, seed)

    def __len__(self) -> int:
        return len(self.samples)

    def get_example(self, index: int, epoch: int = 0) -> tuple[np.ndarray, np.int32]:
        """Input, float32 (channels, height, width), and label.

        Args:
            index: Number of the image.
            epoch: Whose augmentation it gets.

        Raises:
            FormatError: The image is not there any more, or damaged.
        """
        with quiet():
            return self.samples.input(index, epoch), self.samples.labels[index]

    def ahead(
        self, batches: Sequence[Sequence[Place]], workers: int
    ) -> Iterator[list[tuple[np.ndarray, np.int32]]]:
        """The examples of these batches, one after the other; worker processes begin at once.

        Args:
            batches: Which images, and in which epoch.
            workers: How many processes.

        Raises:
            FormatError: An image is not there any more, or damaged.
            WorkerError: A worker process was killed.
        """
        return self._labelled(batches, Prepared(self.samples, batches, workers))

    def _labelled(
        self, batches: Sequence[Sequence[Place]], prepared: Prepared
    ) -> Iterator[list[tuple[np.ndarray, np.int32]]]:
        labels = self.samples.labels
        for batch, inputs in zip(batches, prepared, strict=True):
            yield [(x, labels[place.image]) for x, place in zip(inputs, batch, strict=True)]

    def fingerprint(self) -> str:
        """A text that changes whenever an example does.

        Files are known by their time of writing, size and inode; none is opened.

        Raises:
            FormatError: One is not there any more.
        """
        store, own = self.samples.store, self.samples
        files = {store.file(item.key) for item in own.items}
        stamps = {file: stamp(file) for file in sorted(files)}
        facts = [own.items, own.preprocessing.to_dict(), own.augmentation, own.seed, stamps]
        return blake2b(repr(facts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()

    def check(self, count: int = 128) -> str | None:
        """Whether the images fit another channel order or scale better than the preprocessing.

        Args:
            count: How many images are looked at.

        Returns:
            str or None: A sentence where they do.

        Raises:
            FormatError: An image is not there any more, or damaged.
        """
        with quiet():
            return self.samples.preprocessing.check(self.samples.statistics(count))
