"""Makes the LMDBs of the recipe: scikit-learn's digits in the frame of MNIST's.

    python databases.py FOLDER

writes ``FOLDER/source_train_lmdb`` and ``source_test_lmdb``, digits 0 to 5, and
``target_train_lmdb`` and ``target_test_lmdb``, digits 6 to 9, whose classes are 0 to 3.
"""

from __future__ import annotations

import sys
from pathlib import Path

import chainer_ft  # noqa: F401  makes Chainer work; the recipe's other programs need it first

# isort: split
import lmdb
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from chainer_ft.caffe.data.datum import make_datum

TESTED = 200  # images of each pair of databases that are kept for testing


def framed(digit: np.ndarray) -> np.ndarray:
    """A digit of 8x8 pixels and 17 levels as MNIST has it: 20x20 inside of 28x28, 0 to 255."""
    small = Image.fromarray((digit * 255 / 16).astype(np.uint8))
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:24, 4:24] = np.asarray(small.resize((20, 20), Image.Resampling.BICUBIC))
    return image


def write(folder: Path, images: list[np.ndarray], labels: np.ndarray) -> None:
    """What Caffe's ``convert_imageset`` does: records of an image and its label, keys in order."""
    with lmdb.open(str(folder), map_size=1 << 28) as env, env.begin(write=True) as records:
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            records.put(b"%08d" % i, make_datum(image, int(label)))


def main(folder: Path) -> None:
    """Write the four databases."""
    digits = load_digits()
    order = np.random.RandomState(0).permutation(len(digits.target))
    for name, first, last in (("source", 0, 5), ("target", 6, 9)):
        chosen = [i for i in order if first <= digits.target[i] <= last]
        images = [framed(digits.images[i]) for i in chosen]
        labels = digits.target[chosen] - first
        write(folder / f"{name}_test_lmdb", images[:TESTED], labels[:TESTED])
        write(folder / f"{name}_train_lmdb", images[TESTED:], labels[TESTED:])
        print(f"{name}: {len(images) - TESTED} images to train, {TESTED} to test")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
