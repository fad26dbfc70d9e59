"""Freeze and thaw parts of a model: one word for all that has to stand still."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

import chainer

from chainer_ft.links import named_links
from chainer_ft.select import Selection
from chainer_ft.training.first_forward import watch_first_forward
from chainer_ft.training.freeze_checks import announce, check_live, check_shared
from chainer_ft.training.frozen_mode import Dropout, Mode, Statistics
from chainer_ft.training.modes import mode_of, set_mode, whole_links
from chainer_ft.training.parameters import tune, tuning_of
from chainer_ft.training.proof import (
    Frozen,
    frozen,
    frozen_slots,
    params_of,
    set_digest,
    settle,
)
from chainer_ft.training.sites import select
from chainer_ft.training.tuned_parameter import check_class


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
        Frozen: All that is frozen now; ``.check()`` proves later that it still is what it was.
        What was frozen already and is named again is taken as it is now.

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
    mode = Mode(statistics, dropout)
    hit = select(model, selection)
    before = {path for path, link in named_links(model) if mode_of(link)}
    chosen = {p for p, param in params_of(model).items() if p in hit or tuning_of(param).frozen}
    modes = whole_links(
        model, chosen, lambda path, link: mode if path in hit else mode_of(link), default=mode
    )
    check_live(model, chosen)
    set_frozen(model, chosen, modes)
    take_digests(model, {*hit, *(modes.keys() - before)})
    announce(model, before)
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

    Example:
        >>> import chainer
        >>> links = chainer.links
        >>> model = chainer.Chain(conv1=links.Convolution2D(3, 8, 3), fc=links.Linear(8, 2))
        >>> _ = freeze(model, "/conv*")
        >>> bool(unfreeze(model, "/conv1"))
        False
    """
    return thaw(model, select(model, selection or ("/**",)))


def thaw(model: chainer.Link, paths: Container[str]) -> Frozen:
    """Let exactly these links and parameters train again, not what lies below a link."""
    places = params_of(model)
    kept = {p for p, param in places.items() if tuning_of(param).frozen and p not in paths}
    modes = whole_links(model, kept, lambda path, link: None if path in paths else mode_of(link))
    set_frozen(model, kept, modes)
    return frozen(model)


def set_frozen(
    model: chainer.Link,
    params: set[str],
    modes: Mapping[str, Mode],
    *,
    keep_state: bool = False,
) -> None:
    """Freeze exactly these parameters and links, and let everything else live.

    Args:
        model: The model.
        params: Paths of the parameters.
        modes: Modes of the links that are frozen as a whole, by path.
        keep_state: Leave optimizer state that was just loaded.

    Raises:
        UsageError: It cannot be done; nothing was changed.
    """
    check_shared(model, params, modes)
    places = params_of(model)
    for path in params:
        check_class(places[path], path)
    for path, param in places.items():
        tune(param, path, frozen=path in params, keep_state=keep_state)
    for path, link in named_links(model):
        set_mode(link, modes.get(path))
        watch_first_forward(link)


def take_digests(model: chainer.Link, paths: Iterable[str]) -> None:
    """Take the digests of the frozen entries of these links and parameters, as they are now."""
    chosen = set(paths)
    places = [s for s in frozen_slots(model) if s.path in chosen or s.link_path in chosen]
    for slot in places:
        set_digest(slot, None)
    settle(places)
