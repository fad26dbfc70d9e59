"""Whether the arrays of one link may go into another: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainer_ft.planning.families import compatible
from chainer_ft.types import Clash, Entry, Pair

_CASTS = {"b": "biufc", "i": "iufc", "u": "iufc", "f": "fc", "c": "c"}


@dataclass(frozen=True)
class Fit:
    """How two links fit.

    Args:
        pairs: What to copy; empty where they do not fit.
        clashes: Partners by name of different shapes.
        reason: Why they do not fit, a phrase.
    """

    pairs: tuple[Pair, ...] = ()
    clashes: tuple[Clash, ...] = ()
    reason: str = ""


def fit_by_name(source: Sequence[Entry], target: Sequence[Entry], why: str = "") -> Fit:
    """Fit two links whose arrays have the same names.

    Every parameter of both must have its partner, and every persistent array of the target;
    a counter such as ``N`` that the source lacks is left alone, and persistents that only the
    source has are not used.

    Example:
        >>> fc = [Entry("/fc/W", (10, 4)), Entry("/fc/b", (10,))]
        >>> fit_by_name(fc, [Entry("/fc/W", (10, 4))]).reason
        'the source has b besides, and a link is not copied by half'
    """
    sources = {e.name: e for e in source}
    targets = {e.name: e for e in target}
    if not compatible(source[0], target[0]):
        return Fit(reason=f"a {source[0].link_type} is not a {target[0].link_type}")
    clashes = tuple(
        Clash(sources[n].path, e.path, sources[n].shape, e.shape or e.partial_shape)
        for n, e in targets.items()
        if n in sources and not e.is_no_array and not same_shape(sources[n], e)
    )
    if clashes:
        names = ", ".join(clash.target.rpartition("/")[2] for clash in clashes)
        return Fit((), clashes, f"{names} of its link differs in shape")
    reason = _leftover(sources, targets) or _uncastable(sources, targets)
    if reason:
        return Fit(reason=reason)
    fillable = [name for name, e in targets.items() if name in sources and not e.is_no_array]
    return Fit(tuple(pair(sources[n], targets[n], why) for n in fillable))


def pair(source: Entry, target: Entry, why: str = "") -> Pair:
    """A pair, with the cast that it needs as a named transform."""
    cast: tuple[str, ...] = ()
    if source.dtype is not None and target.dtype is not None and source.dtype != target.dtype:
        cast = (f"cast {source.dtype} -> {target.dtype}",)
    return Pair(source.path, target.path, why, cast)


def same_shape(source: Entry, target: Entry) -> bool:
    """Equal shapes; a lazy target takes what agrees with the sizes that it knows."""
    if source.shape is None:
        return False
    if target.shape is not None:
        return source.shape == target.shape
    known = target.partial_shape
    return known is None or (
        len(known) == len(source.shape)
        and all(k is None or k == n for k, n in zip(known, source.shape, strict=True))
    )


def castable(source: Entry, target: Entry) -> bool:
    """Whether numbers of one dtype can stand for themselves in the other."""
    if source.dtype is None or target.dtype is None:
        return True
    kind = source.dtype.kind
    return target.dtype.kind in _CASTS.get(kind, kind)


def _leftover(sources: dict[str, Entry], targets: dict[str, Entry]) -> str:
    more = [n for n, e in sources.items() if e.kind == "param" and n not in targets]
    less = [n for n, e in targets.items() if n not in sources and not _may_lack(e)]
    rule = "and a link is not copied by half"
    if more:
        return f"the source has {', '.join(more)} besides, {rule}"
    return f"the source has no {', '.join(less)}, {rule}" if less else ""


def _may_lack(target: Entry) -> bool:
    """Numbers beside the weights, and what no array can stand for."""
    return target.is_counter or target.is_no_array


def _uncastable(sources: dict[str, Entry], targets: dict[str, Entry]) -> str:
    for name, target in targets.items():
        if name in sources and not castable(sources[name], target):
            return f"{name} is {sources[name].dtype} and cannot become {target.dtype}"
    return ""
