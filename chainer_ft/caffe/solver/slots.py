"""What an optimizer updates: Caffe's learnable blobs in Caffe's order, each with its rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import chainer

from chainer_ft.caffe.solver.rules import CaffeRule


@dataclass(frozen=True)
class Slot:
    """A learnable blob.

    Args:
        name: For messages.
        parameter: Gives the Parameter; of a statistic, one around its array.
        rule: Its rule, and so its history.
        has_gradient: Whether Caffe computes a gradient for it.
    """

    name: str
    parameter: Callable[[], chainer.Parameter]
    rule: CaffeRule
    has_gradient: bool = True

    def update(self) -> None:
        """Update the blob and its history."""
        if not self.rule.is_idle:
            self.rule.update(self.parameter())


def make_slots(link: chainer.Link, make_rule: Callable[[], CaffeRule]) -> list[Slot]:
    """The slots of a link whose parameters have rules.

    Args:
        link: A Caffe net, whose statistics are learnable blobs too, with rate 0; or any link.
        make_rule: Makes the rule of a statistic.
    """
    return [_plain(name, param) for name, param in sorted(link.namedparams())]


def _plain(name: str, param: Any) -> Slot:
    return Slot(name, lambda: param, param.update_rule)
