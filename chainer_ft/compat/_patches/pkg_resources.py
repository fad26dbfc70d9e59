"""Chainer asks setuptools for the versions of installed packages; setuptools no longer answers."""

from __future__ import annotations

import re
import sys
import threading
from types import ModuleType

from chainer_ft.compat._patch import Patch, Undo
from chainer_ft.compat._probe import environment_check_fails, pkg_resources_is_gone, release

_REQUIREMENT = re.compile(r"\s*([\w.-]+)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)")
_CLAUSE = re.compile(r"\s*(<=|>=|==|!=|~=|<|>)\s*([\w.*+!-]+)\s*$")


class ResolutionError(Exception):
    """A requirement is not met."""


class DistributionNotFound(ResolutionError):  # noqa: N818  (the names are pkg_resources')
    """The distribution is not installed."""


class VersionConflict(ResolutionError):  # noqa: N818
    """The distribution is installed in another version."""


class WorkingSet:
    """The installed distributions, as far as Chainer's test helpers ask about them."""

    def require(self, *requirements: str) -> None:
        """Raise `ResolutionError` unless every requirement is met."""
        for requirement in requirements:
            _require(requirement)


def satisfies(version: str, clause: str) -> bool:
    """Whether a version meets one clause; release numbers count, pre-release tags do not.

    Example:
        >>> satisfies("1.26.4", ">=1.9"), satisfies("2.0", "==1.*")
        (True, False)
    """
    match = _CLAUSE.match(clause)
    if match is None:
        raise ValueError(f"{clause!r} is no version clause such as '>=1.2'")
    operator, wanted = match.groups()
    have, want = _padded(release(version)), _padded(release(wanted))
    if wanted.endswith(".*"):
        length = len(release(wanted[:-2]))
        have, want = have[:length], want[:length]
    if operator == "~=":
        length = len(release(wanted)) - 1
        return have >= want and have[:length] == want[:length]
    return {
        "<": have < want,
        "<=": have <= want,
        ">": have > want,
        ">=": have >= want,
        "==": have == want,
        "!=": have != want,
    }[operator]


def _padded(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return (*numbers, 0, 0, 0, 0)[:4]


def _require(requirement: str) -> None:
    from importlib import metadata

    match = _REQUIREMENT.match(requirement)
    if match is None:
        raise ValueError(f"{requirement!r} is no requirement such as 'numpy>=1.9'")
    name, clauses = match.groups()
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        raise DistributionNotFound(requirement) from None
    for clause in filter(str.strip, clauses.split(",")):
        if not satisfies(version, clause):
            raise VersionConflict(f"{requirement} is asked for, {version} is installed")


def stand_in() -> ModuleType:
    """A module with the four names of ``pkg_resources`` that ``chainer.testing`` uses."""
    module = ModuleType("pkg_resources", "Stand-in by chainer_ft over importlib.metadata.")
    for item in (ResolutionError, DistributionNotFound, VersionConflict, WorkingSet):
        setattr(module, item.__name__, item)
    return module


_lock = threading.Lock()


def _lend(module: ModuleType) -> Undo:
    """Only while the module imports it: other packages must not find half a pkg_resources."""
    lent = stand_in()
    with _lock:
        before = sys.modules.get("pkg_resources")
        sys.modules["pkg_resources"] = before or lent

    def take_back() -> None:
        with _lock:
            if sys.modules.get("pkg_resources") is lent:
                del sys.modules["pkg_resources"]

    return take_back


def _replace_check(module: ModuleType) -> None:
    def check() -> None:
        """Chainer warns here about old CuPy and iDeep wheels and Python 3.5.0; none apply."""

    module.check = check  # type: ignore[attr-defined]


PATCHES = (
    Patch(
        name="environment-check",
        module="chainer._environment_check",
        where="chainer/_environment_check.py:6, :7",
        reason="`import chainer` imports numpy.distutils (not on Python 3.12) and pkg_resources "
        "(not in setuptools 81), to warn about wheels of 2020.",
        needed=environment_check_fails,
        apply=_replace_check,
        when="instead",
    ),
    Patch(
        name="testing-helper",
        module="chainer.testing.helper",
        where="chainer/testing/helper.py:6",
        reason="`import chainer.testing` imports pkg_resources, which setuptools 81 dropped.",
        needed=pkg_resources_is_gone,
        apply=_lend,
        when="around",
    ),
    Patch(
        name="testing-doctest-helper",
        module="chainer.testing.doctest_helper",
        where="chainer/testing/doctest_helper.py:3",
        reason="`import chainer.testing` imports pkg_resources, which setuptools 81 dropped.",
        needed=pkg_resources_is_gone,
        apply=_lend,
        when="around",
    ),
)
