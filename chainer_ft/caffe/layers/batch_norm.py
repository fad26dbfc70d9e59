"""BatchNorm by Caffe's law of running sums, and MVN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import numpy as np

from chainer_ft.caffe.layers.base import NetError, title
from chainer_ft.caffe.layers.batch_function import NormaliseBatch
from chainer_ft.caffe.message import Message

Array = Any
Variable = Any

# What Caffe's 1e-5 is as float32 lies under the least eps that old cuDNN takes, by 2.5e-13.
_CUDNN_EPS, _NEAR = 1e-5, 1e-11


class BatchNorm(chainer.Link):  # type: ignore[misc]
    """Caffe's BatchNorm: it normalises, and has neither gamma nor beta.

    Caffe keeps sums of means and variances and the factor that they are to be divided by; here
    they are kept divided, under the names of :class:`~chainer.links.BatchNormalization`, and the
    factor beside them. The law is Caffe's: each batch, factor ← λ · factor + 1, and the sums
    ← λ · sums + what the batch has, its variance with N - 1.

    Statistics from a file without a factor are taken as those of a long training, with factor
    1 / (1 - λ).

    Args:
        layer: The ``LayerParameter``.
        phase: ``TEST`` normalises by the statistics, ``TRAIN`` by the batch, unless
            ``use_global_stats`` says otherwise.

    Attributes:
        avg_mean: Running mean, shape (C,), float64, so that Caffe's float32 sums come back
            exactly.
        avg_var: Running variance, the same.
        factor: A number.
    """

    avg_mean: Array
    avg_var: Array

    def __init__(self, layer: Message, phase: str) -> None:
        super().__init__()
        parameter = layer.batch_norm_param
        has_word = parameter.has("use_global_stats")
        self.uses_batch = not (parameter.use_global_stats if has_word else phase == "TEST")
        self.decay = parameter.moving_average_fraction
        near = abs(parameter.eps - _CUDNN_EPS) < _NEAR
        self.eps = _CUDNN_EPS if near else parameter.eps
        self.avg_mean = self.avg_var = None
        self.factor = 0.0
        for name in ("avg_mean", "avg_var", "factor"):
            self.register_persistent(name)
        self._owner: BatchNorm | None = None

    @property
    def owner(self) -> BatchNorm:
        """The layer whose statistics these are: this one, or one that shares them."""
        return self if self._owner is None else self._owner.owner

    def forward(self, x: Variable) -> Variable:
        """Normalise."""
        if x.ndim == 1:  # one channel
            return F.reshape(self.forward(F.reshape(x, (-1, 1))), x.shape)
        owner = self.owner
        owner.prepare(x.shape[1])
        if self.uses_batch and chainer.config.train:
            y = self._by_batch(x)
        else:
            statistics = (owner.avg_mean.astype(x.dtype), owner.avg_var.astype(x.dtype))
            gamma_beta = self._ones_and_zeros(x)
            y = F.fixed_batch_normalization(x, *gamma_beta, *statistics, self.eps, _axes(x))
        self.follow()
        return y

    def lay_out(self, shape: tuple[int, ...]) -> None:
        """Make the statistics for a bottom of this shape."""
        self.owner.prepare(shape[1] if len(shape) > 1 else 1)
        self.follow()

    def prepare(self, channels: int) -> None:
        """Make the statistics if they are not there yet."""
        if self.avg_mean is None:
            with chainer.using_device(self.device):
                self.avg_mean = self.xp.zeros(channels, "f8")
                self.avg_var = self.xp.zeros(channels, "f8")

    def share(self, owner: BatchNorm) -> None:
        """Use another layer's statistics from now on."""
        self.__dict__["_owner"] = owner if owner is not self else None
        self.follow()

    def follow(self) -> None:
        """Show the owner's statistics as one's own."""
        owner = self.owner
        self.avg_mean, self.avg_var, self.factor = owner.avg_mean, owner.avg_var, owner.factor

    def _by_batch(self, x: Variable) -> Variable:
        y, mean, var = self._normalised(x)
        owner = self.owner
        decay, old = float(np.float32(self.decay)), owner.true_factor()
        sums = [decay * owner.sum_of(name) for name in ("avg_mean", "avg_var")]  # in float32
        owner.factor = float(np.float32(decay * old + 1))
        owner.avg_mean[...] = (sums[0] + mean).astype("f8") / owner.factor
        owner.avg_var[...] = (sums[1] + var).astype("f8") / owner.factor
        return y

    def _normalised(self, x: Variable) -> tuple[Variable, Array, Array]:
        """The batch normalised, its means and its variances with N - 1."""
        if self.xp is np:
            function, count = NormaliseBatch(self.eps), x.size // x.shape[1]
            (y,) = function.apply((x,))
            return y, function.mean, function.var * (count / max(count - 1, 1))
        return self._by_chainer(x)

    def _by_chainer(self, x: Variable) -> tuple[Variable, Array, Array]:
        """With Chainer's function, which has cuDNN's."""
        gamma, beta = self._ones_and_zeros(x)
        mean, var = self.xp.zeros_like(beta), self.xp.zeros_like(beta)
        options = {"running_mean": mean, "running_var": var, "decay": 0.0, "eps": self.eps}
        y = F.batch_normalization(x, gamma, beta, axis=_axes(x), **options)
        return y, mean, var

    def _ones_and_zeros(self, x: Variable) -> tuple[Array, Array]:
        """Caffe's layer has neither gamma nor beta; Chainer's functions want both."""
        with chainer.using_device(self.device):
            return self.xp.ones(x.shape[1], x.dtype), self.xp.zeros(x.shape[1], x.dtype)

    def sum_of(self, name: str) -> Array:
        """The float32 sum that Caffe keeps of a statistic; dividing it and back loses nothing."""
        return (getattr(self, name) * self.true_factor()).astype("f4")

    def true_factor(self) -> float:
        """The factor; that of a long training for statistics which came without one."""
        if self.factor == 0 and self.avg_var is not None and bool((self.avg_var != 0).any()):
            return float(np.float32(1 / (1 - float(self.decay))))
        return float(np.float32(self.factor))


def _axes(x: Variable) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def batch_norm(layer: Message, phase: str) -> BatchNorm:
    """(x - mean) / sqrt(variance + eps), by the batch or by running statistics."""
    for spec in layer.param:
        if spec.lr_mult != 0:
            raise NetError(
                f"{spec.where('lr_mult')}: {title(layer)}: its blobs are statistics; write "
                "lr_mult: 0 in each param, or no param"
            )
    return BatchNorm(layer, phase)


class _Normalise(chainer.FunctionNode):  # type: ignore[misc]
    """(x - mean) / (standard deviation + eps) over the last axis, with Caffe's gradient."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, inputs: tuple[Array]) -> tuple[Array]:
        (x,) = inputs
        centred = x - x.mean(-1, keepdims=True)
        self.std = (centred**2).mean(-1, keepdims=True) ** 0.5 + self.eps
        self.y = (centred / self.std).astype(x.dtype)
        return (self.y,)

    def backward(self, indexes: tuple[int, ...], grads: tuple[Variable]) -> tuple[Variable]:
        gy, y = grads[0].array, self.y
        inner = gy - gy.mean(-1, keepdims=True) - y * (gy * y).mean(-1, keepdims=True)
        return (chainer.as_variable((inner / self.std).astype(y.dtype)),)


def mvn(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """Each image, or each of its channels, to mean 0 and variance 1."""
    parameter = layer.mvn_param
    across, eps = parameter.across_channels, parameter.eps
    divides = parameter.normalize_variance

    def normalise(x: Variable) -> Variable:
        lead = x.shape[:1] if across else x.shape[:2]
        flat = F.reshape(x, (*lead, -1))
        if divides:
            return F.reshape(_Normalise(eps).apply((flat,))[0], x.shape)
        means = F.mean(flat, -1, keepdims=True)
        return F.reshape(flat - F.broadcast_to(means, flat.shape), x.shape)

    return normalise
