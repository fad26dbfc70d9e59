"""What of a model trains, and how fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import chainer

from chainer_ft.links import named_links, own_slots
from chainer_ft.links.listing import listing
from chainer_ft.report.model_table import LinkRow, ParamRow, State, Summary
from chainer_ft.training.frozen_mode import keeps_statistics
from chainer_ft.training.hyperparameters import Scaled
from chainer_ft.training.modes import trains
from chainer_ft.training.parameters import tuning_of
from chainer_ft.types import Entry

#: Where Chainer's optimizers keep what people call the learning rate; AdaDelta has none.
STEP_NAMES = ("lr", "alpha")


def summary(model: chainer.Link) -> Summary:
    """The tree of a model: shapes, counts, and what of it trains at which learning rate.

    A parameter that stands in the model twice is counted once.

    Args:
        model: The model, before or after ``optimizer.setup``.

    Returns:
        Summary: ``print`` it; its last line is the one that PEFT prints.

    Example:
        >>> import chainer
        >>> from chainer_ft.training.freezing import freeze
        >>> links = chainer.links
        >>> model = chainer.Chain(bn=links.BatchNormalization(3), fc=links.Linear(3, 2))
        >>> _ = freeze(model, "/bn")
        >>> print(summary(model))
        link  type                shape            parameters  state   lr
        /     Chain                                        14
          bn  BatchNormalization  gamma 3, beta 3           6  frozen      statistics still
          fc  Linear              W 2x3, b 2                8  trains  x1
        <BLANKLINE>
        trainable params: 8 || all params: 14 || trainable%: 57.1429
    """
    entries = {entry.path: entry for entry in listing(model, type(model).__name__)}
    totals = _totals(entries)
    return Summary(
        tuple(
            LinkRow(
                path, type(link).__name__, _params(path, link, entries), totals[path], _note(link)
            )
            for path, link in named_links(model)
        )
    )


def _totals(entries: Mapping[str, Entry]) -> Counter[str]:
    """Elements at and below each link, by path."""
    totals: Counter[str] = Counter()
    for path, entry in entries.items():
        if entry.kind == "param" and not entry.shared_with:
            while path != "/":
                path = path.rpartition("/")[0] or "/"
                totals[path] += entry.size
    return totals


def _params(path: str, link: chainer.Link, entries: Mapping[str, Entry]) -> tuple[ParamRow, ...]:
    own = [slot for slot in own_slots(link, path.rstrip("/")) if slot.kind == "param"]
    return tuple(_param(slot.name, slot.value, entries[slot.path]) for slot in own)


def _note(link: chainer.Link) -> str:
    if not keeps_statistics(link):
        return ""
    return "statistics move" if trains(link) else "statistics still"


def _param(name: str, param: chainer.Parameter, entry: Entry) -> ParamRow:
    shape = entry.shape if entry.shape is not None else entry.partial_shape
    size = 0 if entry.shared_with else entry.size
    return ParamRow(name, shape, size, param_state(param), _lr(param), entry.shared_with)


def param_state(param: chainer.Parameter) -> State:
    """Whether training changes a parameter.

    Example:
        >>> import chainer
        >>> param_state(chainer.Parameter(0, (2,)))
        'trains'
    """
    if tuning_of(param).frozen:
        return "frozen"
    rule = param.update_rule
    return "trains" if rule is None or rule.enabled else "off"


def _lr(param: chainer.Parameter) -> str:
    """What multiplies the optimizer's rate, or the rate that a rule has instead of it."""
    mult = tuning_of(param).lr_mult
    own = own_rate(param)
    return f"x{mult:g}" if own is None else f"{own * mult:g}"


def own_rate(param: chainer.Parameter) -> float | None:
    """The learning rate that a parameter's rule has instead of the optimizer's, if it has one."""
    hyperparam = getattr(param.update_rule, "hyperparam", None)
    if isinstance(hyperparam, Scaled):
        hyperparam = hyperparam.parent
    own = vars(hyperparam) if hyperparam is not None else {}
    return next((float(own[name]) for name in STEP_NAMES if name in own), None)
