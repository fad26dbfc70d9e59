"""One iteration of Caffe's as a Chainer updater."""

from __future__ import annotations

from collections.abc import Callable

import chainer
import numpy as np

from chainer_ft.caffe.net import Net
from chainer_ft.caffe.solver.feeding import Feed, Feeds, default_feed
from chainer_ft.caffe.solver.optimizer import Optimizer
from chainer_ft.caffe.solver.randomness import seed_of, seeded
from chainer_ft.caffe.solver.running import Running, as_float
from chainer_ft.caffe.solver.scores import Output


class Updater(chainer.training.Updater):  # type: ignore[misc]
    """Takes ``iter_size`` batches from the net's data layers, and updates the net once.

    It reports the loss, and every number of every output of the last batch, by name. All random
    numbers of an iteration depend on the seed and its number, so that a resumed run draws what an
    unbroken one would have drawn.

    Args:
        net: A :class:`~chainer_ft.caffe.net.Net` for training.
        optimizer: A :class:`~chainer_ft.caffe.Optimizer`; it is set up with the net here.
        seed: Of all random numbers, the first weights of the net among them; a fresh one if
            negative.
        feed: Gives the batches of a data layer; by default the layer says where they are.

    Attributes:
        loss: Of the last iteration, the mean over its batches, float32.
        outputs: Of its last batch.
        debug: Writes the lines of ``debug_info``, for a net that is watched; ``None`` for none.
    """

    def __init__(
        self, net: Net, optimizer: Optimizer, seed: int = -1, feed: Feed | None = None
    ) -> None:
        self.seed = seed_of(seed)
        feeds = Feeds(net.data_layers, net.phase, feed or default_feed(self.seed))
        self.running = Running(net, feeds)
        with seeded(self.seed):
            self.running.prepare()
        self.net: Net = net
        self.optimizer = optimizer.setup(net)
        self.loss, self.outputs = np.float32(0), list[Output]()
        self.debug: Callable[[str, str], None] | None = None

    @property
    def iteration(self) -> int:
        """Number of updates done."""
        return int(self.optimizer.t)

    @property
    def epoch(self) -> int:
        """0: Caffe knows no epochs."""
        return 0

    epoch_detail = 0.0
    previous_epoch_detail = 0.0
    is_new_epoch = False

    def update(self) -> None:
        """Run the batches, then the optimizer."""
        self.net.cleargrads()
        total = np.float32(0)
        with seeded(self.seed, self.iteration):
            for _ in range(self.optimizer.iter_size):
                total += self._one_batch()
        self.loss = total / np.float32(self.optimizer.iter_size)
        self.optimizer.update()
        self._report()

    def _one_batch(self) -> np.float32:
        """Add the gradients of a batch to those that are there; its loss."""
        self.running.debug = self.debug
        loss, self.outputs = self.running.forward()
        if loss is not None and loss.requires_grad:
            with np.errstate(all="ignore"):
                loss.backward(retain_grad=self.debug is not None)
        if self.debug is not None:
            self.net.say_backward(self.debug)
        return as_float(loss)

    def _report(self) -> None:
        chainer.report({"loss": self.loss, "lr": self.optimizer.rate.value}, self.net)
        for output in self.outputs:
            if output.values.size == 1 and output.name != "loss":
                chainer.report({output.name: output.values[0]}, self.net)

    def finalize(self) -> None:
        """Stop reading ahead."""
        self.running.feeds.close()

    def get_optimizer(self, name: str) -> Optimizer:
        """The optimizer, called ``main``."""
        return {"main": self.optimizer}[name]

    def get_all_optimizers(self) -> dict[str, Optimizer]:
        """The optimizer, by its name."""
        return {"main": self.optimizer}

    def serialize(self, serializer: chainer.AbstractSerializer) -> None:
        """Save or load all that a resumed run needs."""
        self.optimizer.serialize(serializer["optimizer:main"])
        self.net.serialize(serializer["model:main"])
        self.seed = int(serializer("seed", self.seed))
        positions = self.running.feeds.positions()
        at = {name: int(serializer(f"position:{name}", n)) for name, n in positions.items()}
        self.running.feeds.seek(at)
