"""What an optimizer updates: Caffe's learnable blobs in Caffe's order, each with its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import chainer
import numpy as np

from chainer_ft.caffe.solver.rules import CaffeRule


@dataclass(frozen=True)
class Slot:
    """A learnable blob.

    Args:
        name: For messages.
        parameter: Gives the Parameter. That of a blob whose rate is 0 is one of its own around
            the blob's array, since Caffe keeps a history for it all the same.
        rule: Its rule, and so its history.
        has_gradient: Whether Caffe computes a gradient for it.
        to_caffe: Turns an array of the parameter's shape into one of Caffe's.
        from_caffe: The way back.
    """

    name: str
    parameter: Callable[[], chainer.Parameter]
    rule: CaffeRule
    has_gradient: bool = True
    to_caffe: Callable[[Any], np.ndarray] = lambda array: array
    from_caffe: Callable[[np.ndarray], Any] = lambda array: array

    def update(self) -> None:
        """Update the blob and its history."""
        parameter = self.parameter()
        if parameter.array is not None and not self.rule.is_idle:
            self.rule.update(parameter)

    @property
    def shape(self) -> tuple[int, ...]:
        """The blob's, as Caffe has it."""
        return self.to_caffe(self.parameter().array).shape

    @property
    def history(self) -> list[np.ndarray]:
        """The rule's arrays, first part first, on the CPU and in Caffe's shape."""
        state = self.rule.state
        if state is None:
            return [np.zeros(self.shape, np.float32) for _ in self.rule.names]
        return [self.to_caffe(state[name]) for name in self.rule.names]

    def restore(self, arrays: list[np.ndarray]) -> None:
        """Set the rule's arrays to a :attr:`history`; one of zeros is none."""
        pairs = zip(self.rule.names, arrays, strict=True)
        is_new = any(array.any() for array in arrays)
        state = {name: self.from_caffe(array).copy() for name, array in pairs} if is_new else None
        self.rule._state = state


def make_slots(link: chainer.Link, make_rule: Callable[[], CaffeRule]) -> list[Slot]:
    """The slots of a link whose parameters have rules.

    Args:
        link: A Caffe net, whose statistics are learnable blobs too, with rate 0; or any link.
        make_rule: Makes a rule.
    """
    if hasattr(link, "params_in_order"):
        return list(_of_net(link, make_rule))
    return [_plain(name, param) for name, param in sorted(link.namedparams())]


def _plain(name: str, param: chainer.Parameter) -> Slot:
    return Slot(name, lambda: param, param.update_rule)


def _of_net(net: Any, make_rule: Callable[[], CaffeRule]) -> Iterator[Slot]:
    for blob in net.params_in_order():
        if blob.owner is not None:
            continue
        is_live = not blob.is_statistic and blob.lr_mult != 0
        rule = blob.parameter.update_rule if is_live else make_rule()
        rule.hyperparam.lr_mult, rule.hyperparam.decay_mult = blob.lr_mult, blob.decay_mult
        parameter = _live(blob) if is_live else _around(blob)
        name = f"layer {blob.layer!r}, blob {blob.index}"
        yield Slot(name, parameter, rule, is_live, blob.to_caffe, blob.from_caffe)


def _live(blob: Any) -> Callable[[], chainer.Parameter]:
    return lambda: blob.parameter


def _around(blob: Any) -> Callable[[], chainer.Parameter]:
    """A statistic is read as Caffe has it; what is written into it is nothing, its rate being 0."""
    if blob.is_statistic:
        return lambda: chainer.Parameter(blob.read())
    return lambda: chainer.Parameter(blob.parameter.array)
