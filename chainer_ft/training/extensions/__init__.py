"""Trainer extensions, ``chainer_ft.extensions``."""

from chainer_ft.training.extensions.freeze import Freeze
from chainer_ft.training.extensions.learning_rates import LearningRates

__all__ = ["Freeze", "LearningRates"]
