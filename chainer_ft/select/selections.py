"""From what people write to predicates.

A selection is a glob, a compiled regex, a link type, a function, a link or parameter itself, a
slice of the model's order, or a list of these. :func:`predicate` makes an object of any of them
that says which sites it hits, and how it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from chainer_ft.errors import RuleError
from chainer_ft.select.globs import Glob
from chainer_ft.select.predicates import Calls, GlobPredicate, Is, OfType, Regex
from chainer_ft.select.sites import Predicate
from chainer_ft.select.slices import AllBut, AnyOf, First, Last, Until

#: What people may write where something is selected.
Selection = Any


def predicate(selection: Selection) -> Predicate:
    """A predicate of whatever people write.

    Args:
        selection: A glob (``"/conv*"``), a compiled regex, a link class, a function of
            ``(path, link_or_param)``, a link or parameter, :func:`first`, :func:`last`,
            :func:`until`, :func:`all_but`, or an iterable of these.

    Raises:
        RuleError: It is none of these, or an empty list.

    Example:
        >>> predicate(["/conv*", first(2)])
        ['/conv*', first(2)]
    """
    if isinstance(selection, Predicate):
        return selection
    if isinstance(selection, str):
        return GlobPredicate(Glob(selection))
    if isinstance(selection, re.Pattern):
        return Regex(selection)
    if isinstance(selection, type):
        return OfType(selection)
    if hasattr(selection, "namedparams") or hasattr(selection, "update_rule"):
        return Is(selection)
    if isinstance(selection, Iterable):
        return any_of(tuple(selection))
    if callable(selection):
        return Calls(selection)
    raise RuleError(
        f"{selection!r} selects nothing: give a glob like '/conv*', a compiled regex, a link "
        "class, a function of (path, link_or_param), a link, first(n), last(n), until(path) or "
        "all_but(...)"
    )


def any_of(selections: Sequence[Selection]) -> AnyOf:
    """The union of several selections."""
    if not selections:
        raise RuleError("an empty list selects nothing; name at least one path, '/conv1' say")
    return AnyOf(tuple(map(predicate, selections)))


def first(count: int) -> First:
    """The first ``count`` layers, in the model's own order."""
    return First(count)


def last(count: int) -> Last:
    """The last ``count`` layers, in the model's own order; ``last(1)`` is the head."""
    return Last(count)


def until(path: str) -> Until:
    """Every layer up to and including the link at ``path``."""
    return Until(path)


def all_but(*selections: Selection) -> AllBut:
    """Everything but these; ``all_but("/fc8")`` is the body under a head."""
    return AllBut(any_of(selections))
