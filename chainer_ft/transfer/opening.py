"""Open any weights file: told by content, through the loaders of the plugins."""

from __future__ import annotations

import os

from chainer_ft.errors import FormatError, UnknownFormatError
from chainer_ft.formats.closing import closed_on_error
from chainer_ft.formats.subtree import Subtree
from chainer_ft.formats.unopened import similar, unopened
from chainer_ft.formats.wrong_kinds import name_wrong_kind
from chainer_ft.host import Host, Provided, default_host
from chainer_ft.select import nearest
from chainer_ft.transfer.cache import Cache
from chainer_ft.transfer.models import is_model_spec
from chainer_ft.types import Source, SourceLoader

HEAD_BYTES = 4096


def open(path: str | os.PathLike[str], *, cache: bool = False, host: Host | None = None) -> Source:
    """Open a weights file of any format.

    Nothing in the file is run, and no array is read yet.

    Args:
        path: The file, or ``FILE::PREFIX`` for a sub-tree of it.
        cache: Keep an unpacked copy of a slow source (compressed, escaped) in the user's cache
            folder, and open that the next time; does nothing for a source that is fast.
        host: The plugins to ask; the installed ones by default.

    Returns:
        Source: A context manager with ``listing`` and ``read(path)``.

    Raises:
        FormatError: It cannot be read; says what it is, if that is known.
        PluginError: The loader that claims it failed.

    Example:
        >>> import chainer_ft as ft
        >>> import chainer, os, tempfile
        >>> file = os.path.join(tempfile.mkdtemp(), "fc.npz")
        >>> ft.save(file, chainer.links.Linear(3, 2))
        >>> with ft.open(file) as source:
        ...     source.read("/W").shape
        (2, 3)
    """
    host = host or default_host()
    name = os.fspath(path)
    file, prefix = _split(name)
    head = _head(file)
    candidates = _candidates(host, head, file)
    if not candidates:
        raise _unknown(host, head, file)
    source = _open_with(candidates, file, host)
    source = _narrowed(source, prefix) if prefix else source
    return Cache().fast(source, file, prefix) if cache else source


def _split(name: str) -> tuple[str, str]:
    """``FILE::PREFIX``, unless a file is really called so."""
    file, separator, prefix = name.partition("::")
    if not separator or os.path.exists(name):
        return name, ""
    return file, "/" + prefix.strip("/") if prefix.strip("/") else ""


def _head(path: str) -> bytes:
    import builtins

    if os.path.isdir(path):
        raise FormatError(f"{path}: is a folder; name a weights file in it")
    if ".py:" in path and is_model_spec(path):
        raise FormatError(f"{path}: is a model, not a file of weights; a model can only be DST")
    if not os.path.lexists(path):
        raise FormatError(f"{path}: there is no such file{similar(path)}")
    if os.path.exists(path) and not os.path.isfile(path):
        raise FormatError(f"{path}: is no regular file; save what it gives to a file first")
    try:
        with builtins.open(path, "rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise unopened(path, error) from error


def _candidates(host: Host, head: bytes, path: str) -> list[Provided[SourceLoader]]:
    """The loaders that claim the file, surest first."""
    ranked = []
    for one in host.all(SourceLoader).values():
        try:
            confidence = float(one.item.detect(head, path))
        except Exception as error:
            host.blame(one.plugin, error)
            continue
        if confidence > 0:
            ranked.append((confidence, one))
    ranked.sort(key=lambda pair: -pair[0])
    return [one for _, one in ranked]


def _open_with(candidates: list[Provided[SourceLoader]], path: str, host: Host) -> Source:
    one = candidates[0]
    with host.guard(one.plugin)(f"{path}: loader {one.item.name!r}"):
        source = one.item.open(path)
    source.format = source.format or one.item.name
    source.name = source.name or path
    return source


def _narrowed(source: Source, prefix: str) -> Source:
    with closed_on_error(source):
        if source.narrow(prefix):
            return source
        if any(path.startswith(prefix + "/") for path in source.listing.paths):
            return Subtree(source, prefix)
        known = sorted(source.listing.links)
        raise FormatError(f"{source.name}: has nothing below {prefix}; {nearest(prefix, known)}")


def _unknown(host: Host, head: bytes, path: str) -> FormatError:
    wrong = name_wrong_kind(head, path)
    if wrong is not None:
        return wrong
    formats = ", ".join(host.all(SourceLoader))
    return UnknownFormatError(
        f"{path}: no loader knows this content (it begins with {head[:12]!r}); "
        f"installed formats: {formats}; `chainer-ft plugins` lists them"
    )
