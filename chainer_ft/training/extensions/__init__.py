"""Trainer extensions, ``chainer_ft.extensions``."""

from chainer_ft.training.extensions.freeze import Freeze
from chainer_ft.training.extensions.learning_rates import LearningRates
from chainer_ft.training.extensions.lr_find import LRFind
from chainer_ft.training.extensions.rate_curve import Cosine, OneCycle
from chainer_ft.training.extensions.schedule import Schedule
from chainer_ft.training.extensions.summary import Summary
from chainer_ft.training.extensions.weight_drift import WeightDrift

__all__ = [
    "Cosine",
    "Freeze",
    "LRFind",
    "LearningRates",
    "OneCycle",
    "Schedule",
    "Summary",
    "WeightDrift",
]
