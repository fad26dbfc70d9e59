"""Caffe's tests and snapshots as extensions of a Chainer trainer."""

from __future__ import annotations

from collections.abc import Sequence

import chainer

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.solver.feeding import Feed, Feeds, default_feed
from chainer_ft.caffe.solver.positions import Positions
from chainer_ft.caffe.solver.randomness import seeded
from chainer_ft.caffe.solver.running import Running
from chainer_ft.caffe.solver.snapshots import take_snapshot
from chainer_ft.caffe.solver.testing import mean_outputs
from chainer_ft.caffe.solver.updater import Updater


class Tester(chainer.training.Extension):  # type: ignore[misc]
    """Tests a net as Caffe does: plain means over some batches, data going on where they stopped.

    It reports ``NAME/OUTPUT`` for each output of one number, and ``NAME/loss_total``.

    Args:
        net: A :class:`~chainer_ft.caffe.net.Net` for testing; it comes to share the parameters of
            the net that is trained.
        updater: The :class:`~chainer_ft.caffe.Updater` that trains.
        iterations: How many batches a test takes (``test_iter``).
        name: What reports begin with.
        feed: Gives the batches of a data layer; by default the layer says where they are.
    """

    priority = chainer.training.PRIORITY_WRITER
    trigger = (1, "iteration")

    def __init__(
        self,
        net: Net,
        updater: Updater,
        iterations: int,
        name: str = "test",
        feed: Feed | None = None,
    ) -> None:
        self.ignored = net.share_with(updater.net)
        feeds = Feeds(net.data_layers, net.phase, feed or default_feed(updater.seed))
        self.running, self.name, self._prefix = Running(net, feeds, iterations), name, name
        with seeded(updater.seed):
            if any(blob.shape is None for blob in net.params_in_order()):
                self.running.prepare()

    def __call__(self, trainer: chainer.training.Trainer) -> None:
        """Test, and report."""
        result = mean_outputs(self.running)
        assert result is not None
        loss, outputs = result
        said = {o.name: o.values[0] for o in outputs if o.values.size == 1}
        said["loss_total"] = loss
        chainer.report({f"{self._prefix}/{name}": value for name, value in said.items()})

    @property
    def entries(self) -> list[str]:
        """What it reports of outputs, for ``PrintReport``."""
        return [f"{self._prefix}/{name}" for name in self.running.net.output_blobs]

    def finalize(self) -> None:
        """Stop reading ahead."""
        self.running.feeds.close()

    def serialize(self, serializer: chainer.AbstractSerializer) -> None:
        """Save or load where the data stand."""
        positions = self.running.feeds.positions()
        at = {name: int(serializer(f"position:{name}", n)) for name, n in positions.items()}
        self.running.feeds.seek(at)


class Snapshot(chainer.training.Extension):  # type: ignore[misc]
    """Writes the snapshots of Caffe, ``PREFIX_iter_N``: real Caffe and ``Solver`` can go on.

    Args:
        prefix: Folder and beginning of the names.
        format: ``BINARYPROTO`` or ``HDF5``.
        diff: Write the last updates, too.
        testers: Those of the trainer, so that a solver knows where their data stood.
    """

    priority = chainer.training.PRIORITY_WRITER + 50  # before tests, as in Caffe
    trigger = (1, "iteration")

    def __init__(
        self,
        prefix: str,
        format: str = "BINARYPROTO",
        diff: bool = False,
        testers: Sequence[Tester] = (),
    ) -> None:
        self._solver = Message("SolverParameter", snapshot_prefix=prefix, snapshot_diff=diff)
        self._solver.set("snapshot_format", format)
        self._testers = testers

    def __call__(self, trainer: chainer.training.Trainer) -> None:
        """Write one."""
        updater: Updater = trainer.updater
        train = updater.running.feeds.positions()
        tests = [tester.running.feeds.positions() for tester in self._testers]
        positions = Positions(updater.iteration, updater.seed, train, tests)
        take_snapshot(self._solver, updater, positions, lambda place, text: None)
