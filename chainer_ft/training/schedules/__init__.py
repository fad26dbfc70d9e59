"""Schedules of fine-tuning: phases that freeze, thaw and set the pace."""

from chainer_ft.training.lengths import Length, Position, length
from chainer_ft.training.schedules.conditions import EarlyStopping
from chainer_ft.training.schedules.phase import Phase
from chainer_ft.training.schedules.phases import Schedule

__all__ = ["EarlyStopping", "Length", "Phase", "Position", "Schedule", "length"]
