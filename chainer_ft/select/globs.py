"""Which paths: predicates with a readable repr, made from globs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from chainer_ft.errors import RuleError


@dataclass(frozen=True)
class Glob:
    """Paths by pattern: ``*`` stays within one name, ``**`` crosses slashes, ``?``, ``[ab]``.

    A pattern that hits a link hits everything below it. It never matches a part of a name.

    Args:
        pattern: ``/conv*`` or ``/res2/**/W``; a missing first slash is added.

    Example:
        >>> Glob("/fc8").matches("/fc8/W"), Glob("/fc8").matches("/fc80/W")
        (True, False)
        >>> Glob("/res*/W").matches("/res2/a/W"), Glob("/res2/**/W").matches("/res2/a/W")
        (False, True)
    """

    pattern: str

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        pattern = "/" + self.pattern.strip("/")
        tokens = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]/]+\])", pattern)
        try:
            return re.compile("".join(map(_token, tokens)) + r"(?:/.*)?")
        except re.error as error:
            raise RuleError(f"{self.pattern!r} is no pattern: {error}") from error

    def matches(self, path: str) -> bool:
        """Whether the pattern hits this path or a link above it."""
        return self._regex.fullmatch(path) is not None

    def __str__(self) -> str:
        return self.pattern


def escaped(path: str) -> str:
    """A pattern that hits this path, and no other that it would be a pattern of.

    Example:
        >>> escaped("/blocks[0]/W")
        '/blocks[[]0]/W'
    """
    return re.sub(r"[*?[]", r"[\g<0>]", path)


def _token(token: str) -> str:
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in special:
        return special[token]
    if token.startswith("[") and token.endswith("]"):
        inside = token[1:-1].replace("\\", r"\\").replace("[", r"\[")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return re.escape(token)


def nearest(text: str, paths: Iterable[str]) -> str:
    """A phrase that names the paths closest to ``text``, for error messages.

    Example:
        >>> nearest("/fc9", ["/fc8", "/convolution"])
        'nearest: /fc8'
    """
    known = list(dict.fromkeys(paths))
    found = get_close_matches(text, known, n=3, cutoff=0.3) or known[:3]
    return "nearest: " + ", ".join(found) if found else "there are no paths at all"


def hits(pattern: str, paths: Sequence[str], what: str) -> set[str]:
    """The paths that a glob hits.

    Raises:
        RuleError: It hits none of them.
    """
    glob = Glob(pattern)
    found = {path for path in paths if glob.matches(path)}
    if not found:
        raise RuleError(f"{what} {pattern!r} hits nothing; {nearest(pattern, paths)}")
    return found
