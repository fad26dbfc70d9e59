"""What of a model is frozen, and the proof that it stands still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import chainer

from chainer_ft.links import Slot, named_links, slots
from chainer_ft.training.digest import check_unchanged, digest
from chainer_ft.training.modes import hook_of, trains
from chainer_ft.training.parameters import tune, tuning_of


@dataclass(frozen=True)
class Frozen:
    """What of a model is frozen.

    Args:
        params: Paths of the frozen parameters, in the model's order.
        links: Paths of the links that are frozen as a whole and compute as in inference.
        persistents: Paths of the persistents that stand still.
        digests: Of each parameter and persistent, as taken at the freeze; ``None`` for one that
            has had no array yet.
        model: The model.

    Example:
        >>> import chainer
        >>> import chainer_ft as ft
        >>> links = chainer.links
        >>> model = chainer.Chain(bn=links.BatchNormalization(2), fc=links.Linear(2, 2))
        >>> still = ft.freeze(model, "/bn")
        >>> model.bn.avg_var[0] = 7
        >>> still.check()
        Traceback (most recent call last):
        chainer_ft.training.digest.FrozenChangedError: /bn/avg_var: frozen, and not what it was ...
    """

    params: tuple[str, ...]
    links: tuple[str, ...]
    persistents: tuple[str, ...]
    digests: Mapping[str, str | None] = field(repr=False)
    model: chainer.Link = field(repr=False, compare=False)

    def check(self) -> None:
        """Compare every entry with its digest; what has got its array since has one from now on.

        Raises:
            FrozenChangedError: One changed by a bit, or more; names the entries.
        """
        chosen = {*self.params, *self.persistents}
        places = [slot for slot in slots(self.model) if slot.path in chosen]
        known = {s.path: self.digests[s.path] or _digest_of(s) for s in places}
        check_unchanged(known, places)
        settle(places)

    def __bool__(self) -> bool:
        return bool(self.params or self.links)

    def __contains__(self, path: str) -> bool:
        return path in self.params or path in self.links or path in self.persistents


def frozen(model: chainer.Link) -> Frozen:
    """What of a model is frozen now.

    Example:
        >>> import chainer
        >>> bool(frozen(chainer.links.Linear(3, 2)))
        False
    """
    places = frozen_slots(model)
    settle(places)
    return Frozen(
        tuple(s.path for s in places if s.kind == "param"),
        tuple(path for path, link in named_links(model) if hook_of(link)),
        tuple(s.path for s in places if s.kind == "persistent"),
        {s.path: _digest_of(s) for s in places},
        model,
    )


def frozen_slots(model: chainer.Link) -> list[Slot]:
    """The parameters and persistents that stand still."""
    return [
        slot
        for slot in slots(model)
        if (tuning_of(slot.value).frozen if slot.kind == "param" else not trains(slot.link))
    ]


def params_of(model: chainer.Link) -> dict[str, chainer.Parameter]:
    """The parameters of a model by path, in its own order; a shared one at each of its paths."""
    return {slot.path: slot.value for slot in slots(model) if slot.kind == "param"}


def settle(places: list[Slot]) -> None:
    """Take the digests of frozen entries that have none yet, if they have an array."""
    for slot in places:
        is_pending = slot.kind == "param" and tuning_of(slot.value).pending
        if _digest_of(slot) is None and slot.array is not None and not is_pending:
            set_digest(slot, digest(slot.array))


def set_digest(slot: Slot, value: str | None) -> None:
    """Say what the digest of a frozen entry is; ``None`` to have it taken anew."""
    hook = hook_of(slot.link)
    if slot.kind == "param":
        tune(slot.value, slot.path, digest=value)
    elif hook is not None:
        hook.digests[slot.name] = value


def _digest_of(slot: Slot) -> str | None:
    hook = hook_of(slot.link)
    if slot.kind == "param":
        return tuning_of(slot.value).digest
    return hook.digests.get(slot.name) if hook is not None else None
