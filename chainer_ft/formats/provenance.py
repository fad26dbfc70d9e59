"""Where the weights in a file come from, kept inside the file as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from chainer_ft.types import Plan

#: Name of the zip member in an npz, and of the dataset in HDF5. Chainer reads by key and
#: never asks for it.
MEMBER = "chainer_ft.provenance.json"
SCHEMA = "chainer_ft.provenance/1"
#: A provenance, or a function that makes it once the arrays are written.
Given: TypeAlias = "Mapping[str, Any] | Callable[[], Mapping[str, Any]]"
LIMIT = 1 << 24  # bytes of provenance that are worth reading


class FileHash:
    """SHA-256 of a file, computed in the background while the file is being copied.

    Example:
        >>> FileHash("setup.py").hexdigest() == FileHash("setup.py").hexdigest()
        True
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._digest: str | None = None
        self._thread = threading.Thread(target=self._compute, daemon=True)
        self._thread.start()

    def _compute(self) -> None:
        digest = hashlib.sha256()
        buffer = bytearray(1 << 20)
        view = memoryview(buffer)
        try:
            with open(self._path, "rb", buffering=0) as file:
                while count := file.readinto(buffer):
                    digest.update(view[:count])
        except OSError:
            return
        self._digest = digest.hexdigest()

    def hexdigest(self) -> str | None:
        """Wait for the hash; ``None`` where the file could not be read to its end."""
        self._thread.join()
        return self._digest


_running: dict[tuple[str | int, ...], FileHash] = {}


def file_hash(path: str) -> FileHash:
    """The hash of a file, begun now unless it is being computed already.

    Whoever knows early that a file will be copied calls this early, and is done sooner.
    """
    try:
        stat = os.stat(path)
    except OSError:
        return FileHash(path)
    # A rewrite may keep size and modification time, as `cp -p` does, but not all of these.
    times = (stat.st_mtime_ns, stat.st_ctime_ns)
    key = (os.path.realpath(path), stat.st_size, stat.st_ino, *times)
    if key not in _running:
        while len(_running) > 7:
            _running.pop(next(iter(_running)))
        _running[key] = FileHash(path)
    return _running[key]


def file_facts(path: str) -> dict[str, Any] | None:
    """What tells a file from a later one of the same name, at no cost; ``None`` if it is gone."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return {"path": os.path.realpath(path), "bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def with_hash(origin: Mapping[str, Any]) -> dict[str, Any]:
    """A provenance with the SHA-256 of its source, if the file is still the one that was read."""
    facts, sources = origin.get("file"), origin["sources"]
    if not facts or sources[0]["sha256"] or file_facts(facts["path"]) != facts:
        return dict(origin)
    known = {**sources[0], "sha256": file_hash(facts["path"]).hexdigest()}
    return {**origin, "sources": [known, *sources[1:]]}


def versions() -> dict[str, str]:
    """Versions of what takes part in writing a file."""
    found = {"python": platform.python_version()}
    for name in ("chainer-ft", "chainer", "numpy", "h5py"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def of_plan(plan: Plan, source: str, sha256: str | None) -> dict[str, Any]:
    """What a file made by applying ``plan`` says of its origin.

    Args:
        plan: The plan that was applied.
        source: Path or description of the source.
        sha256: The source file's hash, ``None`` for a live link.
    """
    entries = {}
    for pair in plan.pairs:
        steps = [*plan.source[pair.source].transforms, *pair.transforms]
        entries[pair.target] = {"source": pair.source, **({"transforms": steps} if steps else {})}
    return {
        "schema": SCHEMA,
        "sources": [{"name": source, "sha256": sha256}],
        "policy": plan.policy,
        "ordered": plan.target.ordered,
        "entries": entries,
        "versions": versions(),
    }


def history(provenance: Mapping[str, Any] | None, most: int = 8) -> list[Mapping[str, Any]]:
    """A provenance and those of the files that were copied into before it, the last one first.

    Args:
        provenance: What a file says of its origin.
        most: How many are told.
    """
    found: list[Mapping[str, Any]] = []
    while isinstance(provenance, Mapping) and len(found) < most:
        found.append(provenance)
        provenance = provenance.get("before")
    return found


def followed(before: Mapping[str, Any] | None, made: dict[str, Any]) -> dict[str, Any]:
    """A new provenance with what its target said of itself, not endlessly far back."""
    for one in reversed(history(before)):
        nested = {key: value for key, value in one.items() if key != "before"}
        made_before = made.get("before")
        made["before"] = nested if made_before is None else {**nested, "before": made_before}
    return made


def encode(provenance: Given) -> bytes:
    """As UTF-8 JSON."""
    if callable(provenance):
        provenance = provenance()
    return json.dumps(provenance, indent=1).encode()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def keeps_order(provenance: Mapping[str, Any] | None) -> bool:
    """Whether a file's entries stand in the model's own order: only those written here can."""
    return provenance is not None and provenance.get("ordered", True) is True


def decode(text: bytes) -> dict[str, Any] | None:
    """The provenance, or ``None`` where the text is not one (it is not worth an error)."""
    if len(text) > LIMIT:
        return None
    try:
        data = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
