"""Fine-tuning: freeze, learning rates, schedules, and the extensions that carry them out."""

from chainer_ft.training import cleared_grads, extensions, patched, spectral
from chainer_ft.training.decay import L2SP, follow_multipliers
from chainer_ft.training.freezing import freeze, unfreeze
from chainer_ft.training.proof import Frozen, frozen
from chainer_ft.training.random_state import EpochShuffle
from chainer_ft.training.rates import Rates, layerwise_decay, learning_rates
from chainer_ft.training.resume import resume_with
from chainer_ft.training.schedules import EarlyStopping, Phase, Schedule

__all__ = [
    "L2SP",
    "EarlyStopping",
    "EpochShuffle",
    "Frozen",
    "Phase",
    "Rates",
    "Schedule",
    "extensions",
    "freeze",
    "frozen",
    "layerwise_decay",
    "learning_rates",
    "resume_with",
    "unfreeze",
]

cleared_grads.install()
follow_multipliers()
patched.install()
spectral.install()
