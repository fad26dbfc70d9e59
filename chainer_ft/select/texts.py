"""Selections as text, for the command line and for schedules in YAML."""

from __future__ import annotations

import re

from chainer_ft.errors import RuleError
from chainer_ft.select.globs import Glob
from chainer_ft.select.predicates import GlobPredicate, OfType, Regex
from chainer_ft.select.selections import any_of
from chainer_ft.select.sites import Predicate
from chainer_ft.select.slices import AllBut, AnyOf, First, Last, Until

_CALL = re.compile(r"(first|last|until|all_but|type|regex)\((.*)\)", re.DOTALL)


def parse(text: str) -> Predicate:
    """The predicate that a text stands for.

    Args:
        text: A glob, or ``first(5)``, ``last(1)``, ``until(/pool3)``, ``all_but(/fc8, /fc7)``,
            ``type(BatchNormalization)``, ``regex(/conv[12](/W)?)``.

    Raises:
        RuleError: The text is none of these.

    Example:
        >>> parse("all_but(/fc8)"), parse("first(5)"), parse("/conv*")
        (all_but('/fc8'), first(5), '/conv*')
    """
    call = _CALL.fullmatch(text.strip())
    if call is None:
        return GlobPredicate(Glob(text.strip()))
    name, inside = call.group(1), call.group(2).strip()
    if not inside:
        raise RuleError(f"{text!r} selects nothing; write {name}(...) with something inside")
    if name == "first":
        return First(_count(inside, text))
    if name == "last":
        return Last(_count(inside, text))
    if name == "until":
        return Until(inside)
    if name == "type":
        return OfType(inside)
    if name == "regex":
        return Regex(_regex(inside, text))
    return AllBut(any_of([parse(part) for part in _parts(inside)]))


def _count(inside: str, text: str) -> int:
    if not inside.isdecimal():
        raise RuleError(f"{text!r}: {inside!r} is no number of layers; write 5, say")
    return int(inside)


def _regex(inside: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(inside)
    except re.error as error:
        raise RuleError(f"{text!r} is no regular expression: {error}") from error


def _parts(inside: str) -> list[str]:
    """Split at the commas that stand in no parenthesis or bracket."""
    parts, depth = [""], 0
    for token in re.findall(r"\[[^\]/]+\]|.", inside, re.DOTALL):
        depth += (token == "(") - (token == ")")
        if token == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts if part.strip()]


def text_of(predicate: Predicate) -> str:
    """The text that :func:`parse` reads as this predicate.

    Raises:
        RuleError: It has none: a function, or a link itself.
    """
    if isinstance(predicate, GlobPredicate):
        return str(predicate)
    if isinstance(predicate, Regex):
        return f"regex({predicate})"
    if isinstance(predicate, OfType):
        return f"type({predicate!r})"
    if isinstance(predicate, (First, Last)):
        return repr(predicate)
    if isinstance(predicate, Until):
        return f"until({predicate.path})"
    if isinstance(predicate, AllBut):
        return f"all_but({', '.join(map(text_of, predicate.others.items))})"
    if isinstance(predicate, AnyOf) and len(predicate.items) == 1:
        return text_of(predicate.items[0])
    raise RuleError(f"{predicate!r} cannot be written as text; name it by path or type")
