"""plan and copy: from any source into a live link or a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from chainer_ft.errors import FormatError
from chainer_ft.formats.unopened import similar
from chainer_ft.host import Host, default_host
from chainer_ft.planning import Rules
from chainer_ft.transfer.appliers import Terms
from chainer_ft.transfer.ends import End, Path, check_end, is_link, opened
from chainer_ft.transfer.models import is_model_spec, load_model, no_model
from chainer_ft.transfer.request import Request
from chainer_ft.types import MatchPolicy, Outcome, Plan, Source

if TYPE_CHECKING:
    import chainer

Rename: TypeAlias = "Mapping[str, str] | Iterable[tuple[str, str]]"
Globs: TypeAlias = "str | Iterable[str]"


def plan(
    source: End,
    target: End,
    *,
    policy: str = "name",
    rename: Rename = (),
    skip: Globs = (),
    only: Globs = (),
    min_coverage: float = 0.0,
    strict: bool = False,
    out: Path | None = None,
    compress: bool = False,
    host: Host | None = None,
) -> Plan:
    """Decide what goes where; write nothing yet.

    Args:
        source: A file (``FILE::PREFIX`` for a part of it), an opened source, or a link.
        target: A link; ``file.py:callable`` or ``package.module:callable``; an existing
            weights file; or the path of a new one, which then gets everything.
        policy: ``name``, ``shape``, or one of a plugin.
        rename: Regular expressions and replacements for source paths.
        skip: Globs that leave entries out, on both sides.
        only: Globs; everything else is left out, on both sides.
        min_coverage: :meth:`Plan.apply` refuses to fill less than this share.
        strict: :meth:`Plan.apply` refuses unless everything is filled and used.
        out: File for the result; by default a file target is replaced.
        compress: Whether that file is compressed.
        host: The plugins to ask; the installed ones by default.

    Returns:
        Plan: A value; ``print`` it, ``to_json()`` it, ``apply()`` it.

    Raises:
        RuleError: A rule hits nothing.
        FormatError: A file cannot be read.

    Example:
        >>> import chainer_ft as ft
        >>> import chainer
        >>> old, new = chainer.links.Linear(3, 2), chainer.links.Linear(3, 2)
        >>> outcome = ft.plan(old, new).apply()
        >>> outcome.coverage, len(outcome)
        (1.0, 2)
    """
    check_end(target)
    host = host or default_host()
    named = None if out is None else os.fspath(out)
    if isinstance(target, str) and _is_half_a_spec(target):
        raise no_model(target)
    request = Request(
        host.get(MatchPolicy, policy),
        Rules.of(rename, skip, only),
        Terms(host, min_coverage, strict, named, compress),
    )
    with opened(source, host) as opened_source:
        if is_link(target):
            return request.into_link(source, opened_source, cast("chainer.Link", target))
        if not isinstance(target, Source) and is_model_spec(os.fspath(cast("str", target))):
            spec = os.fspath(cast("str", target))
            return request.into_link(source, opened_source, load_model(spec), spec)
        if not isinstance(target, Source) and not os.path.exists(cast("str", target)):
            if named is not None:
                name = os.fspath(cast("str", target))
                raise FormatError(f"{name}: there is no such file or model{similar(name)}")
            return request.into_new_file(source, opened_source, cast("str", target))
        with opened(target, host) as opened_target:
            return request.into_file(source, opened_source, target, opened_target)


def _is_half_a_spec(target: str) -> bool:
    """A Python file without the model in it, or with what is no name, as ``nets.py:Net(5)``."""
    if target.endswith(".py"):
        return True
    return ".py:" in target and not is_model_spec(target) and not os.path.exists(target)


def plan_new_file(
    source: End,
    path: Path,
    *,
    rename: Rename = (),
    skip: Globs = (),
    only: Globs = (),
    compress: bool = False,
    host: Host | None = None,
) -> Plan:
    """Plan to write everything in ``source`` to a file, new or replaced, in its suffix's format.

    Args:
        source: See :func:`plan`.
        path: The file.
        rename: See :func:`plan`.
        skip: See :func:`plan`.
        only: See :func:`plan`.
        compress: See :func:`plan`.
        host: See :func:`plan`.
    """
    host = host or default_host()
    name = os.fspath(path)
    terms = Terms(host, out=name, compress=compress)
    rules = Rules.of(rename, skip, only)
    request = Request(host.get(MatchPolicy, "name"), rules, terms)
    with opened(source, host) as opened_source:
        return request.into_new_file(source, opened_source, name)


def copy(source: End, target: End, **options: Any) -> Outcome:
    """Plan and apply in one call.

    Args:
        source: See :func:`plan`.
        target: See :func:`plan`.
        **options: See :func:`plan`.

    Returns:
        Outcome: What was written.

    Raises:
        NothingMatchedError: Not one parameter would be filled.
        RefusedError: The plan is under the floor, not strict, or an array does not fit. The
            target is as it was.

    Example:
        >>> import chainer_ft as ft
        >>> import chainer
        >>> ft.copy(chainer.links.Linear(3, 2), chainer.links.Linear(None, 2)).initialized
        ('/W',)
    """
    host = options.setdefault("host", None) or default_host()
    with opened(source, host) as opened_source:
        return plan(opened_source, target, **options).apply()


def copy_model(src: chainer.Link, dst: chainer.Link, **options: Any) -> Outcome:
    """Copy parameters and persistents from one link into another, by path and shape.

    The signature of the function that people paste; its defects are gone: arrays are copied
    and not shared, whole links match and not prefixes of them, BatchNormalization brings its
    statistics, subclasses and lists match, and what was not copied is in the outcome's plan.

    Args:
        src: Where from.
        dst: Where to.
        **options: See :func:`plan`.

    Returns:
        Outcome: What was copied, and the coverage.

    Example:
        >>> import chainer_ft as ft
        >>> import chainer
        >>> src, dst = chainer.links.Linear(3, 2), chainer.links.Linear(3, 2)
        >>> [pair.target for pair in ft.copy_model(src, dst).pairs]
        ['/W', '/b']
    """
    return copy(src, dst, **options)
