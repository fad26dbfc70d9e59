"""Write weights to a file: whole or not at all, with their provenance inside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from chainer_ft.errors import FormatError
from chainer_ft.formats.atomic import old_file, replacing
from chainer_ft.formats.provenance import SCHEMA, Given, versions
from chainer_ft.host import Host, Provided, default_host
from chainer_ft.types import Saver, Source

if TYPE_CHECKING:
    import chainer


def save(
    path: str | os.PathLike[str],
    model: chainer.Link | Source,
    *,
    compress: bool = False,
    provenance: Given | None = None,
    format: str | None = None,
    host: Host | None = None,
) -> None:
    """Save a model in the format of the file's suffix (npz if it has none).

    ``chainer.serializers.load_npz`` and ``load_hdf5`` read the file back.

    Args:
        path: The file; replaced whole, or left as it is.
        model: A link, or anything that arrays can be read from.
        compress: Smaller and much slower; off by default.
        provenance: What to keep inside about the origin of the weights; a function is called
            when all arrays are written.
        format: Name of a saver; by default the one of the suffix.
        host: The plugins to ask; the installed ones by default.

    Raises:
        FormatError: No saver has this suffix, or the file cannot be written.

    Example:
        >>> import chainer_ft as ft
        >>> import chainer, os, tempfile
        >>> file = os.path.join(tempfile.mkdtemp(), "fc.npz")
        >>> ft.save(file, chainer.links.Linear(3, 2))
        >>> chainer.serializers.load_npz(file, chainer.links.Linear(3, 2))
    """
    host = host or default_host()
    source = model if isinstance(model, Source) else _link_source(model)
    one = writer(os.fspath(path), host, base=source.base, format=format)
    inside = provenance or (lambda: {"schema": SCHEMA, "sources": [], "versions": versions()})
    guarded = host.guard(one.plugin)(f"{path}: saver {one.item.name!r}", OSError)
    with replacing(path) as temporary, guarded:
        one.item.save(temporary, source, provenance=inside, compress=compress)


def writer(
    path: str, host: Host, *, base: Source | None = None, format: str | None = None
) -> Provided[Saver]:
    """The saver of a path, sure that it can write there: better known before the work.

    Args:
        path: The file to write.
        host: The plugins to ask.
        base: The existing file that the result is made from, if it is.
        format: Name of the saver; by default the one of the suffix.

    Raises:
        FormatError: There is no such saver, or it makes no new file; or the folder is missing,
            or the old file may not be replaced.
    """
    one = host.get(Saver, format) if format else saver_for(path, host)
    one.item.check(path, base)
    old_file(path)
    return one


def saver_for(path: str, host: Host) -> Provided[Saver]:
    """The saver of a path's suffix.

    Raises:
        FormatError: There is none.
    """
    name = os.path.basename(path)
    savers = list(host.all(Saver).values())
    fitting = [
        (len(suffix), one)
        for one in savers
        for suffix in one.item.suffixes
        if name.lower().endswith(suffix)
    ]
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1]
    if not os.path.splitext(name)[1]:
        return host.get(Saver, "npz")
    known = ", ".join(s for one in savers for s in one.item.suffixes)
    raise FormatError(f"{path}: no saver writes this suffix; known: {known}; choose one of these")


def _link_source(model: Any) -> Source:
    from chainer_ft.links import LinkSource

    return LinkSource(model)
