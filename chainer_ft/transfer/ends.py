"""The two ends of a copy: files, opened sources, live links."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from chainer_ft.errors import FormatError, UsageError
from chainer_ft.host import Host
from chainer_ft.transfer.opening import open as open_source
from chainer_ft.types import Listing, Plan, Source, no_link

if TYPE_CHECKING:
    import chainer

Path: TypeAlias = "str | os.PathLike[str]"
End: TypeAlias = "Path | Source | chainer.Link"


def is_link(end: Any) -> bool:
    """Whether this is a live link; does not import Chainer to find out."""
    link = getattr(sys.modules.get("chainer"), "Link", None)  # None while it is being imported
    return link is not None and isinstance(end, link)


def check_end(end: Any) -> None:
    """Raise where this is neither a path, nor a source, nor a link.

    Raises:
        UsageError: With what it is, and what an end can be.
    """
    if not isinstance(end, (str, os.PathLike, Source)) and not is_link(end):
        raise UsageError(f"{no_link(end)}; give a link, a file, or an opened source")


@contextmanager
def opened(end: End, host: Host) -> Iterator[Source]:
    """The end as a source. What is opened here is closed here; what was open stays open."""
    check_end(end)
    if isinstance(end, Source):
        yield end
    elif is_link(end):
        from chainer_ft.links import LinkSource

        yield LinkSource(end)
    else:
        with open_source(end, host=host) as source:
            yield source


@contextmanager
def reopened(end: End, plan: Plan, host: Host) -> Iterator[Source]:
    """The source of a plan once more, which must still be what the plan was made from."""
    with opened(end, host) as source:
        suited = source.for_target(plan.target)
        if suited.listing.entries != plan.source.entries:
            raise FormatError(f"{source.name}: has changed since the plan was made; plan again")
        yield suited


def file_of(end: End, source: Source) -> str | None:
    """Path of the file behind an end, ``None`` for a link."""
    path = source.name if isinstance(end, Source) else os.fspath(end) if not is_link(end) else ""
    candidates = (path, path.partition("::")[0])
    return next((c for c in candidates if os.path.isfile(c)), None)


def listing_of_link(link: chainer.Link, name: str = "") -> Listing:
    """The listing of a live link."""
    from chainer_ft.links import LinkSource

    return LinkSource(link, name).listing
