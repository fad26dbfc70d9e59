"""Learning-rate and weight-decay multipliers, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real

import chainer

from chainer_ft.errors import RuleError
from chainer_ft.links import slots
from chainer_ft.select import Predicate, Selection, escaped, predicate
from chainer_ft.training.parameters import tune
from chainer_ft.training.sites import sites
from chainer_ft.training.tuned_parameter import check_class

Rules = Mapping[Selection, float]


@dataclass(frozen=True)
class Rates:
    """Multipliers by path of the parameter; those of 1.0 are left out.

    Args:
        lr: Factors of the optimizer's learning rate.
        decay: Factors of its weight decay.
    """

    lr: Mapping[str, float] = field(default_factory=dict)
    decay: Mapping[str, float] = field(default_factory=dict)


def learning_rates(
    model: chainer.Link, lr: Rules | None = None, decay: Rules | None = None
) -> Rates:
    """Multiply the optimizer's learning rate and weight decay for parts of a model.

    The multipliers follow every schedule of the optimizer's own rate: each step of the part is
    that much of what it would be. They hold for every update rule of Chainer (for Adam the whole
    step is multiplied, as by ``eta``), before and after ``optimizer.setup``, and in copies.
    Caffe's ``lr_mult`` and ``decay_mult`` are these numbers.

    Args:
        model: The model.
        lr: Selections and factors, ``{"/fc8": 10, "/conv*": 0.1}``. What no rule names has 1.0,
            also where it had another before.
        decay: The same for weight decay, ``{"/**/b": 0}``: of ``optimizer_hooks.WeightDecay`` and
            ``Lasso``, of :class:`~chainer_ft.training.L2SP` and of ``weight_decay_rate``.

    Returns:
        Rates: What was set.

    Raises:
        RuleError: A selection hits nothing, two give one parameter different factors, or a
            factor is negative or not finite.

    Example:
        >>> import chainer
        >>> links = chainer.links
        >>> model = chainer.Chain(conv1=links.Convolution2D(3, 8, 3), fc8=links.Linear(8, 2))
        >>> learning_rates(model, {"/fc8": 10}).lr
        {'/fc8/W': 10.0, '/fc8/b': 10.0}
    """
    rates = Rates(multipliers(model, lr or {}), multipliers(model, decay or {}))
    apply(model, rates)
    return rates


def multipliers(model: chainer.Link, rules: Rules) -> dict[str, float]:
    """The factor of each parameter that a rule names, in the model's order; 1.0 is left out."""
    found: dict[str, tuple[float, Predicate]] = {}
    places = sites(model)
    params = {s.path: s.value for s in slots(model) if s.kind == "param"}
    for selection, factor in rules.items():
        rule = predicate(selection)
        hit = rule.select(places)
        for path in (path for path in params if path in hit):
            value, other = found.setdefault(path, (_factor(rule, factor), rule))
            if value != factor:
                raise RuleError(
                    f"{path}: {other!r} gives it {value:g}, {rule!r} gives it {factor:g}; leave it "
                    f"out of one of them, as in all_but({path!r})"
                )
    return {path: found[path][0] for path in params if path in found and found[path][0] != 1.0}


def _factor(rule: Predicate, factor: float) -> float:
    if not isinstance(factor, Real) or not 0 <= factor < float("inf"):
        raise RuleError(f"{rule!r}: a multiplier is 0 or more, not {factor!r}")
    return float(factor)


def apply(model: chainer.Link, rates: Rates) -> None:
    """Set the multipliers of every parameter of a model; what is not named gets 1.0.

    A parameter with two paths gets the factor of the path that names it.

    Raises:
        RuleError: Two paths of one parameter have different factors.
    """
    params = {s.path: s.value for s in slots(model) if s.kind == "param"}
    wanted: dict[int, tuple[str, tuple[float, float]]] = {}
    for path, param in params.items():
        both = rates.lr.get(path, 1.0), rates.decay.get(path, 1.0)
        if both == (1.0, 1.0):
            continue
        check_class(param, path)
        first, other = wanted.setdefault(id(param), (path, both))
        if other != both:
            raise RuleError(
                f"{first} and {path} are one parameter and get {other} and {both} as multipliers "
                "of learning rate and decay; name one of them only"
            )
    for path, param in params.items():
        lr, decay = wanted.get(id(param), (path, (1.0, 1.0)))[1]
        tune(param, path, lr_mult=lr, decay_mult=decay)


def layerwise_decay(model: chainer.Link, decay: float = 0.9) -> dict[Selection, float]:
    """Factors that shrink from the head down: ``1, decay, decay**2, ...``, layer by layer.

    A layer is a link with parameters of its own, in the model's order; the last one is the head
    (Howard and Ruder 2018, discriminative fine-tuning; Clark et al. 2020).

    Args:
        model: The model.
        decay: The ratio of neighbours, over 0 and at most 1.

    Returns:
        dict: Rules for :func:`learning_rates`, by path of the parameter.

    Example:
        >>> import chainer
        >>> links = chainer.links
        >>> model = chainer.Sequential(links.Linear(2, 2), links.Linear(2, 2, nobias=True))
        >>> layerwise_decay(model, 0.5)
        {'/0/W': 0.5, '/0/b': 0.5, '/1/W': 1.0}
    """
    if not 0 < decay <= 1:
        raise RuleError(f"layerwise_decay: decay is over 0 and at most 1, not {decay!r}")
    params = [s.path for s in slots(model) if s.kind == "param"]
    layers = list(dict.fromkeys(path.rpartition("/")[0] for path in params))
    depth = {layer: len(layers) - 1 - i for i, layer in enumerate(layers)}
    return {escaped(path): decay ** depth[path.rpartition("/")[0]] for path in params}
