"""Rules of the user: rename, skip, only. Each must hit something."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from chainer_ft.errors import RuleError
from chainer_ft.select import hits, nearest
from chainer_ft.types import Listing, Skip


@dataclass(frozen=True)
class Rules:
    """What the user asked for besides the policy.

    Args:
        rename: Regular expressions and replacements (``re.sub``), applied to each source path
            one after the other.
        skip: Globs; what they hit on either side is left out.
        only: Globs; what none of them hits, on either side, is left out.

    Example:
        >>> Rules.of(rename={"^/fc8/": "/score/"}, skip="/fc7")
        Rules(rename=(('^/fc8/', '/score/'),), skip=('/fc7',), only=())
    """

    rename: tuple[tuple[str, str], ...] = ()
    skip: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        rename: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        skip: str | Iterable[str] = (),
        only: str | Iterable[str] = (),
    ) -> Rules:
        """The same from dictionaries, lists or single strings."""
        pairs = rename.items() if isinstance(rename, Mapping) else _several(rename)
        return cls(tuple(map(_pair, pairs)), _strings(skip), _strings(only))


def _several(rename: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return (rename,) if isinstance(rename, str) else rename  # one, to be refused as a whole


def _pair(rule: tuple[str, str]) -> tuple[str, str]:
    if isinstance(rule, str) or len(rule) != 2:
        raise RuleError(
            f"rename {rule!r}: give {{pattern: replacement}}, {{'^/fc8/': '/score/'}} say"
        )
    pattern, replacement = rule
    return pattern, replacement


def _strings(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def renamed(source: Listing, rules: Rules) -> tuple[Listing, dict[str, str]]:
    """The source under its new names.

    Returns:
        tuple: The listing, and a mapping from new path to the path in the file.

    Raises:
        RuleError: A rule hits nothing, is no regular expression, or sends two arrays to one path.
    """
    paths = {path: path for path in source.paths}
    for pattern, replacement in rules.rename:
        paths = _substitute(paths, pattern, replacement)
    origin: dict[str, str] = {}
    for old, new in paths.items():
        if new in origin:
            raise RuleError(f"rename sends both {origin[new]} and {old} to {new}")
        origin[new] = old
    entries = tuple(
        replace(e, path=paths[e.path], shared_with=paths.get(e.shared_with or "")) for e in source
    )
    return Listing(entries, source.origin, source.ordered), origin


def _substitute(paths: dict[str, str], pattern: str, replacement: str) -> dict[str, str]:
    rule = f"rename {pattern!r} -> {replacement!r}"
    try:
        regex = re.compile(pattern)
        changed = {old: regex.sub(replacement, new) for old, new in paths.items()}
    except (re.error, IndexError) as error:
        raise RuleError(f"{rule}: not a regular expression: {error}") from error
    if not any(regex.search(new) for new in paths.values()):
        raise RuleError(f"{rule} hits nothing; {nearest(pattern.strip('^$'), paths.values())}")
    for new in changed.values():
        if not new.startswith("/") or new.endswith("/") or "//" in new:
            raise RuleError(f"{rule} makes {new!r}, which is not a path like /conv1/W")
    return changed


def skips(
    source: Listing, target: Listing, rules: Rules, origin: Mapping[str, str] | None = None
) -> tuple[Skip, ...]:
    """What skip and only leave out, on both sides.

    Args:
        source: Under its new names.
        target: The target.
        rules: The rules.
        origin: From new names to those in the file, which globs may use, too.

    Raises:
        RuleError: A glob hits nothing on either side.
    """
    names = {path: {path, (origin or {}).get(path, path)} for path in source.paths}
    everything = [*set().union(*names.values()), *target.paths]
    dropped = {glob: hits(glob, everything, "skip") for glob in rules.skip}
    wanted = set().union(*(hits(glob, everything, "only") for glob in rules.only))
    found = []
    for side, listing in (("source", source), ("target", target)):
        for path in listing.paths:
            known = names[path] if side == "source" else {path}
            rule = next((f"skip {g}" for g, hit in dropped.items() if known & hit), None)
            if rule is None and rules.only and not known & wanted:
                rule = "only " + " ".join(rules.only)
            if rule is not None:
                found.append(Skip(side, path, rule))  # type: ignore[arg-type]
    return tuple(found)
