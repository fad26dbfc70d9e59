"""Which plugins may be loaded: the environment and the command line, as one value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainer_ft.errors import UsageError
from chainer_ft.select import nearest

ONLY = "CHAINER_FT_PLUGINS"
STRICT = "CHAINER_FT_STRICT_PLUGINS"


@dataclass(frozen=True)
class Selection:
    """Which plugins may be loaded. Names are of entry points or of distributions.

    Args:
        blocked: Not these (``-p no:NAME``).
        only: If given, no installed ones but these (``CHAINER_FT_PLUGINS=a,b``).
        strict: Raise what fails in a plugin (``CHAINER_FT_STRICT_PLUGINS=1``).
        none: No installed ones at all (``--no-plugins``).

    Example:
        >>> Selection(blocked=frozenset({"chainer_ft.Torch"})).refusal("torch", "chainer-ft-torch")
        'blocked by -p no:chainer_ft.Torch'
    """

    blocked: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    strict: bool = False
    none: bool = False

    @classmethod
    def from_environment(cls, options: Sequence[str] = (), none: bool = False) -> Selection:
        """What the environment and the command line say together.

        Args:
            options: Values of ``-p``, each ``no:NAME``.
            none: ``--no-plugins``.

        Raises:
            UsageError: An option is not like ``no:NAME``.
        """
        names = os.environ.get(ONLY)
        only = None if names is None else frozenset(filter(None, map(str.strip, names.split(","))))
        strict = os.environ.get(STRICT, "0") not in ("", "0")
        return cls(frozenset(map(_blocked_name, options)), only, strict, none)

    def refusal(self, *names: str) -> str:
        """Why a plugin known under these names may not be loaded; empty if it may."""
        if self.none:
            return "blocked by --no-plugins"
        own = set(map(_canonical, names))
        hit = [name for name in sorted(self.blocked) if _canonical(name) in own]
        if hit:
            return f"blocked by -p no:{hit[0]}"
        if self.only is not None and not own.intersection(map(_canonical, self.only)):
            return f"not in {ONLY}={','.join(sorted(self.only))}"
        return ""

    def unknown(self, names: Iterable[str]) -> tuple[str, ...]:
        """A sentence for each name asked for that is not among these."""
        known = {_canonical(name): name for name in names}
        asked = [(f"-p no:{name}", name) for name in sorted(self.blocked)]
        asked += [(f"{ONLY}={name}", name) for name in sorted(self.only or ())]
        return tuple(
            f"{what}: no plugin has this name; {nearest(name, known.values())}"
            for what, name in asked
            if _canonical(name) not in known
        )


def _blocked_name(option: str) -> str:
    if not option.startswith("no:") or option == "no:":
        raise UsageError(f"-p {option}: is not like -p no:NAME, which blocks a plugin")
    return option.removeprefix("no:")


def _canonical(name: str) -> str:
    """Distributions are told by their normalised names (``Chainer_FT.torch``)."""
    return re.sub(r"[-_.]+", "-", name).lower()
