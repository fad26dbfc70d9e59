"""A net with its batches: one forward pass after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import chainer
import numpy as np
from chainer.backend import CpuDevice

from chainer_ft.caffe.solver.feeding import Feeds
from chainer_ft.caffe.solver.scores import Output


@dataclass
class Running:
    """A net and what feeds it.

    Args:
        net: The net.
        feeds: The batches of its data layers.
        test_iter: Batches of a test pass.
        debug: Writes the lines of ``debug_info``, for a net that is watched; ``None`` for none.
    """

    net: Any
    feeds: Feeds
    test_iter: int = 0
    debug: Callable[[str, str], None] | None = None

    def forward(self) -> tuple[chainer.Variable | None, list[Output]]:
        """One batch: the weighted loss, if there is one, and the outputs in Caffe's order."""
        if self.debug is not None or self.net.__dict__.get("is_watched"):
            self.net.is_watched = self.debug is not None
        with chainer.using_config("train", True), np.errstate(all="ignore"):  # it may diverge
            result = self.net.run(self.feeds.next())
        if self.debug is not None:
            self.net.say_forward(self.debug)
        weights = self.net.loss_blobs
        return result.loss, [
            Output(name, _flat(result.blobs[name]), weights.get(name, 0.0))
            for name in self.net.output_blobs
        ]

    def prepare(self) -> None:
        """Give every parameter its shape and first numbers; nothing else changes, no batch is lost.

        Chainer's links know their shapes after a first batch. Statistics stay as they are.
        """
        no_graph, no_warnings = chainer.no_backprop_mode(), np.errstate(all="ignore")
        with chainer.using_config("train", False), no_graph, no_warnings:
            self.net.run(self.feeds.peek())


def as_float(loss: chainer.Variable | None) -> np.float32:
    """A loss as Caffe has it: 0 for a net without one."""
    return np.float32(0 if loss is None else float(loss.array))


def _flat(blob: chainer.Variable) -> np.ndarray:
    flat: np.ndarray = CpuDevice().send(blob.array).astype(np.float32).reshape(-1)
    return flat
