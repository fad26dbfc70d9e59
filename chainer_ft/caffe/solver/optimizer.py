"""Caffe's solver as a Chainer optimizer: policy, clipping, accumulation, decay, update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainer
import numpy as np

from chainer_ft.caffe.solver.gradients import Clipped, clip, divide, own_gradients
from chainer_ft.caffe.solver.rates import Policy, Rate, Schedule, learning_rate
from chainer_ft.caffe.solver.rules import RULES, CaffeRule
from chainer_ft.caffe.solver.slots import Slot, make_slots
from chainer_ft.errors import UsageError
from chainer_ft.select import nearest

_FIELDS = (
    "momentum",
    "momentum2",
    "rms_decay",
    "delta",
    "weight_decay",
    "regularization_type",
    "clip_gradients",
    "iter_size",
)


class Optimizer(chainer.GradientMethod):  # type: ignore[misc]
    """One of Caffe's solvers as a Chainer optimizer.

    An update does what Caffe does, in its order: the rate of the policy; clipping, by the norm of
    the gradients of all parameters whose ``lr_mult`` is not 0; division by ``iter_size``; decay;
    the rule. All hyper-parameters have Caffe's names and are taken as float32.

    Args:
        type: ``SGD``, ``Nesterov``, ``AdaGrad``, ``RMSProp``, ``AdaDelta`` or ``Adam``.
        policy: The learning rate; a number is a fixed one.
        momentum: Of SGD and Nesterov; of AdaDelta and Adam the decay of the first mean.
        momentum2: Of Adam, the decay of the second mean.
        rms_decay: Of RMSProp.
        delta: Of AdaGrad, RMSProp, AdaDelta and Adam, added to roots.
        weight_decay: Times a parameter's ``decay_mult``.
        regularization_type: ``L2`` or ``L1``.
        clip_gradients: Largest L2 norm; negative for no limit.
        iter_size: How many batches' gradients are summed up before an update.

    Attributes:
        rate: The :class:`Rate` of the last update.
        clipped: The :class:`Clipped` of the last update, or ``None``.

    Example:
        >>> import chainer
        >>> model = chainer.links.Linear(3, 2)
        >>> optimizer = Optimizer("Nesterov", 0.1, momentum=0.9).setup(model)
        >>> optimizer.update(lambda x: chainer.functions.sum(model(x)), np.ones((1, 3), "f"))
        >>> optimizer.t, f"{optimizer.rate.value:g}"
        (1, '0.1')
    """

    def __init__(
        self,
        type: str = "SGD",
        policy: Schedule | float = 0.01,
        *,
        momentum: float = 0.0,
        momentum2: float = 0.999,
        rms_decay: float = 0.99,
        delta: float = 1e-8,
        weight_decay: float = 0.0,
        regularization_type: str = "L2",
        clip_gradients: float = -1.0,
        iter_size: int = 1,
    ) -> None:
        super().__init__()
        self.type = type
        self.policy = policy if not isinstance(policy, (int, float)) else Policy("fixed", policy)
        hp = self.hyperparam
        hp.momentum, hp.momentum2, hp.rms_decay = momentum, momentum2, rms_decay
        hp.delta, hp.weight_decay, hp.lr = delta, weight_decay, 0.0
        hp.regularization_type = regularization_type
        self.clip_gradients, self.iter_size = np.float32(clip_gradients), iter_size
        self.rate = Rate(np.float32(0), 0)
        self.clipped: Clipped | None = None
        self.slots: list[Slot] = []
        _check(type, momentum, rms_decay, iter_size)

    @classmethod
    def from_solver(cls, solver: Any) -> Optimizer:
        """The optimizer that a solver's message describes.

        Args:
            solver: The message, :func:`~chainer_ft.caffe.prototxt.read_solver`.

        Raises:
            UsageError: A value that its type of solver does not allow.
        """
        return cls(solver.type, solver, **{name: getattr(solver, name) for name in _FIELDS})

    def create_update_rule(self) -> CaffeRule:
        """The rule of the solver's type."""
        return self.rule_type(self.hyperparam)

    @property
    def rule_type(self) -> type[CaffeRule]:
        """The class of its rules."""
        return RULES[self.type]

    def setup(self, link: chainer.Link) -> Optimizer:
        """Give the parameters of a link their rules; in a Caffe net, their multipliers too."""
        super().setup(link)
        self.rate, self.clipped = Rate(np.float32(0), 0), None
        self.slots = make_slots(link, self.create_update_rule)
        return self

    def update(self, lossfun: Callable[..., Any] | None = None, *args: Any, **kwds: Any) -> None:
        """Update the parameters, by gradients that are there or by those of a loss.

        Args:
            lossfun: Returns the loss; its gradients replace those that are there.
            *args: For it.
            **kwds: For it.
        """
        if lossfun is not None:
            loss = lossfun(*args, **kwds)
            self.target.cleargrads()
            loss.backward()
            del loss
        self.reallocate_cleared_grads()
        self.call_hooks("pre")
        self.rate = learning_rate(self.policy, self.t, self.rate.step)
        self.hyperparam.lr = self.rate.value
        live = [slot.parameter() for slot in self.slots if slot.has_gradient]
        live = [parameter for parameter in live if parameter.array is not None]
        own_gradients(live)
        self.clipped = clip(live, self.clip_gradients)
        divide(live, self.iter_size)
        with np.errstate(all="ignore"):  # what diverges shows in the loss
            for slot in self.slots:
                slot.rule.t = self.t
                slot.update()
        self.t += 1
        self.call_hooks("post")

    def serialize(self, serializer: chainer.AbstractSerializer) -> None:
        """Save or load the history, the number of updates, and the step of the rate."""
        super().serialize(serializer)
        step = serializer("current_step", self.rate.step)
        self.rate = Rate(self.rate.value, int(step))


def _check(type: str, momentum: float, rms_decay: float, iter_size: int) -> None:
    if type not in RULES:
        raise UsageError(f"type {type!r}: there is no such solver; {nearest(type, RULES)}")
    if type in ("AdaGrad", "RMSProp") and momentum:
        raise UsageError(f"momentum: {momentum}: {type} has none; leave it out")
    if type == "RMSProp" and not 0 <= rms_decay < 1:
        raise UsageError(f"rms_decay: {rms_decay}: it is at least 0 and less than 1")
    if iter_size < 1:
        raise UsageError(f"iter_size: {iter_size}: it is 1 or more")
