"""Freeze and thaw parts of a model: one word for all that has to stand still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import chainer

from chainer_ft.links import Slot, named_links, slots
from chainer_ft.select import Selection
from chainer_ft.training import digest
from chainer_ft.training.freeze_checks import announce, check_live, check_shared
from chainer_ft.training.modes import (
    Dropout,
    FrozenMode,
    Statistics,
    mode_of,
    set_mode,
    trains,
    whole_links,
)
from chainer_ft.training.parameters import check_class, tune, tuning_of
from chainer_ft.training.sites import select


@dataclass(frozen=True)
class Frozen:
    """What of a model is frozen.

    Args:
        params: Paths of the frozen parameters, in the model's order.
        links: Paths of the links that are frozen as a whole and compute as in inference.
        persistents: Paths of the persistents that stand still.
        digests: Of each parameter and persistent; ``None`` for one without an array yet.
        model: The model.
    """

    params: tuple[str, ...]
    links: tuple[str, ...]
    persistents: tuple[str, ...]
    digests: Mapping[str, str | None] = field(repr=False)
    model: chainer.Link = field(repr=False, compare=False)

    def check(self) -> Frozen:
        """Compare every frozen entry with its digest.

        Returns:
            Frozen: The same with the digests of lazy entries that have got an array since.

        Raises:
            FrozenChangedError: One changed by a bit, or more; names the entries.
        """
        chosen = {*self.params, *self.persistents}
        now = digest.check(self.digests, [s for s in slots(self.model) if s.path in chosen])
        return Frozen(self.params, self.links, self.persistents, now, self.model)

    def __bool__(self) -> bool:
        return bool(self.params or self.links)

    def __contains__(self, path: str) -> bool:
        return path in self.params or path in self.links or path in self.persistents


def freeze(
    model: chainer.Link,
    *selection: Selection,
    statistics: Statistics = "still",
    dropout: Dropout = "off",
) -> Frozen:
    """Make parts of a model stand still, besides what is frozen already.

    A frozen parameter has no gradient and no update, no weight decay, no optimizer state and no
    share in the clip norm; below the deepest live parameter there is no backward. A link whose
    parameters are all frozen computes as in inference: BatchNormalization uses its stored
    statistics, dropout is off. It holds before and after ``optimizer.setup``, and in copies.

    Args:
        model: The model.
        selection: Globs, regexes, link types, functions, links, parameters, slices.
        statistics: ``train`` lets BatchNormalization use and move batch statistics.
        dropout: ``on`` leaves dropout inside frozen links on.

    Returns:
        Frozen: All that is frozen now, with digests; ``.check()`` proves that it still is.

    Raises:
        RuleError: A selection hits nothing.
        UsageError: Nothing would be left to train, or a frozen and a live part share an array.

    Example:
        >>> import chainer
        >>> links = chainer.links
        >>> model = chainer.Chain(conv1=links.Convolution2D(3, 8, 3), fc=links.Linear(8, 2))
        >>> freeze(model, "/conv*").params
        ('/conv1/W', '/conv1/b')
    """
    hit = select(model, selection)
    params = _params(model)
    chosen = {path for path in params if path in hit or tuning_of(params[path]).frozen}
    mode = FrozenMode(statistics, dropout)
    modes = whole_links(
        model, chosen, lambda path, link: mode if path in hit else mode_of(link), default=mode
    )
    check_live(model, chosen)
    _carry_out(model, chosen, modes)
    announce(model, modes, mode)
    return frozen(model)


def unfreeze(model: chainer.Link, *selection: Selection) -> Frozen:
    """Let parts of a model train again; without a selection, all of it.

    What becomes live begins with fresh optimizer state. What was off before it was frozen here
    (``disable_update``) is off again.

    Args:
        model: The model.
        selection: As for :func:`freeze`.

    Returns:
        Frozen: What is still frozen.

    Raises:
        RuleError: A selection hits nothing.
        UsageError: The thawed part shares an array with a part that stays frozen.
    """
    hit = select(model, selection or ("/**",))
    chosen = {p for p, param in _params(model).items() if tuning_of(param).frozen and p not in hit}
    modes = whole_links(model, chosen, lambda path, link: None if path in hit else mode_of(link))
    _carry_out(model, chosen, modes)
    return frozen(model)


def frozen(model: chainer.Link) -> Frozen:
    """What of a model is frozen, with digests of it as it is now.

    Example:
        >>> import chainer
        >>> bool(frozen(chainer.links.Linear(3, 2)))
        False
    """
    links = {path: link for path, link in named_links(model) if mode_of(link)}
    still = {id(link) for link in links.values() if not trains(link)}
    chosen = [s for s in slots(model) if _stands(s, still)]
    return Frozen(
        tuple(s.path for s in chosen if s.kind == "param"),
        tuple(links),
        tuple(s.path for s in chosen if s.kind == "persistent"),
        digest.digests(chosen),
        model,
    )


def _stands(slot: Slot, still: set[int]) -> bool:
    if slot.kind == "param":
        return tuning_of(slot.value).frozen
    return id(slot.link) in still


def _params(model: chainer.Link) -> dict[str, chainer.Parameter]:
    return {slot.path: slot.value for slot in slots(model) if slot.kind == "param"}


def _carry_out(model: chainer.Link, chosen: set[str], modes: Mapping[str, FrozenMode]) -> None:
    """Write the state of every parameter and link; checked before the first is touched."""
    check_shared(model, chosen, modes)
    params = _params(model)
    for path in chosen:
        check_class(params[path], path)
    for path, param in params.items():
        tune(param, path, frozen=path in chosen)
    for path, link in named_links(model):
        if mode_of(link) is not modes.get(path):
            set_mode(link, modes.get(path))
