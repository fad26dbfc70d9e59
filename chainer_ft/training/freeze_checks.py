"""What a freeze refuses, and what it says aloud."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import chainer

from chainer_ft.errors import UsageError
from chainer_ft.links import identity, named_links, slots
from chainer_ft.training.frozen_mode import Mode, keeps_statistics
from chainer_ft.training.modes import ignores_mode, mode_of, trains
from chainer_ft.training.parameters import tuning_of

_log = logging.getLogger("chainer_ft")


def check_live(model: chainer.Link, chosen: set[str]) -> None:
    """Refuse to freeze everything."""
    params = [s.path for s in slots(model) if s.kind == "param"]
    if chosen.issuperset(params):
        last = params[-1].rpartition("/")[0] or "/" if params else "/fc"
        raise UsageError(
            f"all {len(params)} parameters of {type(model).__name__} would be frozen, and nothing "
            f"would train; leave something out, all_but({last!r}) say"
        )


def check_shared(model: chainer.Link, chosen: set[str], modes: Mapping[str, Mode]) -> None:
    """Refuse an array that a frozen and a live part hold both."""
    stands: dict[object, str] = {}
    moves: dict[object, str] = {}
    for slot in slots(model):
        still = slot.path in chosen if slot.kind == "param" else slot.link_path in modes
        (stands if still else moves).setdefault(identity(slot), slot.path)
    for key in (key for key in stands if key in moves):
        raise UsageError(
            f"{stands[key]} would be frozen and {moves[key]} would train, and both are one array; "
            f"name both to freeze it, or give {moves[key]} an array of its own"
        )


def announce(model: chainer.Link, before: set[str]) -> None:
    """Say what a freeze does that is not plain from its name, and what it cannot do.

    Args:
        model: The model, frozen.
        before: Paths of the links that had been frozen already.
    """
    modes = {path: mode_of(link) for path, link in named_links(model) if path not in before}
    new = {path: link for path, link in named_links(model) if modes.get(path)}
    _say(
        "frozen with their statistics, as in inference: %s (statistics='train' lets them move)",
        [p for p, link in new.items() if _stands_still(link) and not ignores_mode(link)],
    )
    _say(
        "%s: defines __call__ and not forward, so dropout called in it stays on; rename the "
        "method to forward",
        [
            path
            for path, link in new.items()
            if modes[path] == Mode() and ignores_mode(link) and not keeps_statistics(link)
        ],
    )
    _say(
        "%s: defines __call__ and not forward, so its statistics move unless that calls "
        "super().__call__; rename the method to forward",
        [path for path, link in new.items() if _stands_still(link) and ignores_mode(link)],
    )
    params = [slot for slot in slots(model) if slot.kind == "param"]
    _say(
        "%s: frozen before there is an array; what the initializer will give stays",
        [s.path for s in params if s.array is None and tuning_of(s.value).frozen],
    )


def _stands_still(link: chainer.Link) -> bool:
    return keeps_statistics(link) and not trains(link)


def _say(sentence: str, paths: list[str]) -> None:
    if paths:
        _log.warning(sentence, ", ".join(paths))
