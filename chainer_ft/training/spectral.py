"""Spectral normalization of a frozen link keeps its vector, as in inference.

It is a link hook and runs before the forward, which is where a frozen link's mode begins.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import chainer
from chainer.link_hooks import SpectralNormalization

from chainer_ft.training.modes import trains

_MARK = "_chainer_ft_stands_still"


def install() -> None:
    """Patch Chainer, once in a process."""
    if not hasattr(SpectralNormalization.forward_preprocess, _MARK):
        plain = SpectralNormalization.forward_preprocess
        SpectralNormalization.forward_preprocess = _still(plain)


def _still(plain: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    @wraps(plain)
    def forward_preprocess(self: Any, args: Any) -> None:
        moves = chainer.config.train and trains(args.link)
        with chainer.using_config("train", moves):
            plain(self, args)

    setattr(forward_preprocess, _MARK, True)
    return forward_preprocess
