"""A solver's nets, built, fed, sharing their parameters, and filled from files of weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chainer.backends import cuda

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.prototxt import to_text
from chainer_ft.caffe.solver.debug import WatchedNet
from chainer_ft.caffe.solver.feeding import Feed, Feeds, default_feed
from chainer_ft.caffe.solver.lines import SolverLog
from chainer_ft.caffe.solver.nets import NetPlan, net_to_train, nets_to_test
from chainer_ft.caffe.solver.optimizer import Optimizer
from chainer_ft.caffe.solver.randomness import seeded
from chainer_ft.caffe.solver.running import Running
from chainer_ft.caffe.solver.updater import Updater
from chainer_ft.caffe.solver.weights import copy_weights
from chainer_ft.errors import UsageError
from chainer_ft.report.text import coverage_line
from chainer_ft.types import Plan


@dataclass
class Parts:
    """What a solver runs.

    Args:
        updater: The net that is trained, its optimizer and its batches.
        tests: The nets that are tested.
        ignored: For each of them, layers of the trained net that it does not have.
        reports: What was copied from each file of weights.
    """

    updater: Updater
    tests: list[Running] = field(default_factory=list)
    ignored: list[tuple[str, ...]] = field(default_factory=list)
    reports: list[Plan] = field(default_factory=list)


@dataclass(frozen=True)
class Setup:
    """How the parts of a solver are made.

    Args:
        solver: Its message.
        seed: Of all random numbers.
        log: Its log.
        level: See :class:`~chainer_ft.caffe.solver.solver.Solver`, as the rest.
        stages: See there.
        device: See there.
        feed: See there.
    """

    solver: Message
    seed: int
    log: SolverLog
    level: int | None = None
    stages: Sequence[str] = ()
    device: str | None = None
    feed: Feed | None = None

    def build(self, optimizer: Optimizer, weights: Sequence[str]) -> Parts:
        """Make the nets and copy the weights into them.

        Args:
            optimizer: For the net that is trained.
            weights: Files, a later one overwrites an earlier one.
        """
        line = self.log.line
        line("solver.cpp:45", f"Initializing solver from parameters: \n{to_text(self.solver)}")
        planned = net_to_train(self.solver, self.level, self.stages)
        line("solver.cpp:102", f"Creating training net {_origin(planned)}")
        feed = self.feed or default_feed(self.seed, line)
        with seeded(self.seed):
            net = self._net(planned)
        parts = Parts(Updater(net, optimizer, self.seed, feed))
        parts.reports = [self._copy(net, path) for path in weights]
        for i, planned in enumerate(nets_to_test(self.solver)):
            line("solver.cpp:190", f"Creating test net (#{i}) specified by {planned.origin}")
            self._add_test(parts, planned, feed)
            for path in weights:
                self._copy(parts.tests[i].net, path, is_test=True)
        if weights:
            self.log.left_at_filler(left_alone(parts.reports))
        line("solver.cpp:57", "Solver scaffolding done.")
        return parts

    def _net(self, planned: NetPlan) -> Net:
        state = planned.state
        kind = WatchedNet if self.solver.debug_info else Net
        net = kind(planned.message, state.phase, state.stage, state.level)
        if self.device is not None:
            net.to_device(self.device)
        return net

    def _add_test(self, parts: Parts, planned: NetPlan, feed: Feed) -> None:
        with seeded(self.seed):
            net = self._net(planned)
            parts.ignored.append(net.share_with(parts.updater.net))
            feeds = Feeds(net.data_layers, net.phase, feed)
            running = Running(net, feeds, planned.test_iter)
            if any(blob.shape is None for blob in net.params_in_order()):
                running.prepare()
        running.debug = self.log.line if self.solver.debug_info else None
        parts.tests.append(running)

    def _copy(self, net: Net, path: str, is_test: bool = False) -> Plan:
        self.log.line("solver.cpp:71", f"Finetuning from {path}")
        plan = copy_weights(net, path, self.log.ignoring, may_miss=is_test)
        if not is_test:
            self.log.line("weights.py:2", f"{path}: {coverage_line(plan)}")
        return plan


def left_alone(reports: Sequence[Plan]) -> list[str]:
    """Links of the net into which no file has put anything."""
    filled = {pair.target for report in reports for pair in report.pairs}
    targets = reports[0].target if reports else ()
    links: dict[str, None] = {}
    for entry in targets:
        if entry.owner not in filled:
            links[entry.link] = None
    return [link.strip("/") for link in links]


def weight_files(given: Sequence[str]) -> Iterator[str]:
    """The single files of lists that are separated by commas.

    Example:
        >>> list(weight_files(["a.caffemodel, b.caffemodel", "c.caffemodel.h5"]))
        ['a.caffemodel', 'b.caffemodel', 'c.caffemodel.h5']
    """
    return (name.strip() for text in given for name in text.split(","))


def device_of(solver: Message) -> str:
    """The device that a solver's file asks for; Caffe's default of a GPU does not count.

    Raises:
        UsageError: It asks for a GPU, and there is none.
    """
    if solver.has("solver_mode") and solver.solver_mode == "GPU":
        if not cuda.available:
            raise UsageError(
                f"{solver.where('solver_mode')}: solver_mode: GPU, and CuPy finds none; give the "
                "device @numpy to use the processor, or see `chainer-ft doctor`"
            )
        return f"@cupy:{solver.device_id}"
    return "@numpy"


def _origin(planned: NetPlan) -> str:
    """How Caffe says where the net that is trained comes from."""
    kind, _, path = planned.origin.partition(" file: ")
    return f"from {kind} file: {path}" if path else f"specified in {kind}."
