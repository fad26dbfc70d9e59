"""Train a small net on digits with Chainer's Trainer; the body is frozen for two epochs."""

from __future__ import annotations

import argparse

import chainer_ft as ft  # isort: skip  new: makes the next line work on today's stack
import chainer
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812
import numpy as np
from chainer import training
from chainer.training import extensions
from sklearn.datasets import load_digits


class Net(chainer.Chain):
    """Two convolutions and a head."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(1, 16, 3, pad=1)
            self.bn1 = L.BatchNormalization(16)
            self.conv2 = L.Convolution2D(16, 16, 3, pad=1)
            self.fc = L.Linear(16 * 16, 10)

    def forward(self, x: chainer.Variable) -> chainer.Variable:
        """Scores (N, 10) of images (N, 1, 8, 8)."""
        h = F.relu(self.bn1(self.conv1(x)))
        h = F.max_pooling_2d(F.relu(self.conv2(h)), 2)
        return self.fc(F.dropout(h))


def main() -> None:
    """Build everything, load a snapshot if one is named, run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="out/trainer", help="folder of the results")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--resume", help="a snapshot to go on from")
    args = parser.parse_args()

    np.random.seed(0)
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    data = chainer.datasets.TupleDataset(images, digits.target.astype(np.int32))
    train, test = chainer.datasets.split_dataset_random(data, 1400, seed=0)

    model = L.Classifier(Net())
    optimizer = chainer.optimizers.Adam().setup(model)
    iterator = chainer.iterators.SerialIterator(train, 50)
    updater = training.StandardUpdater(iterator, optimizer)
    trainer = training.Trainer(updater, (args.epochs, "epoch"), out=args.out)
    test_iterator = chainer.iterators.SerialIterator(test, 100, repeat=False, shuffle=False)
    trainer.extend(extensions.Evaluator(test_iterator, model))
    trainer.extend(extensions.LogReport())
    trainer.extend(extensions.PrintReport(["epoch", "main/loss", "validation/main/accuracy"]))
    trainer.extend(extensions.snapshot(), trigger=(20, "iteration"))
    trainer.extend(  # new: the body stands still for two epochs
        ft.extensions.Freeze("/predictor/conv1", "/predictor/bn1", until=(2, "epoch"))
    )
    if args.resume:
        chainer.serializers.load_npz(args.resume, trainer)
    trainer.run()


if __name__ == "__main__":
    main()
