"""``chainer-ft cache list|clear``: the unpacked copies of slow sources."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from datetime import datetime

from chainer_ft.cli.output import say
from chainer_ft.report.table import align
from chainer_ft.types import Subcommand


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("action", choices=("list", "clear"), help="what to do with the cache")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: Namespace) -> int:
    """Run the verb."""
    from chainer_ft.transfer.cache import Cache

    cache = Cache()
    limit = cache.limit  # a wrong one is refused before anything is done
    files = list(cache.files())
    freed = cache.clear() if options.action == "clear" else 0
    data = {
        "schema": "chainer_ft.cache_list/1",
        "folder": str(cache.folder),
        "limit": limit,
        "freed": freed,
        "files": [{"path": str(f.path), "bytes": f.nbytes, "used": f.used} for f in files],
    }
    if options.json:
        say(json.dumps(data, indent=1))
        return 0
    if options.action == "clear":
        say(f"freed {freed:,} bytes in {cache.folder}")
        return 0
    rows = [(f.path.name[:16], f"{f.nbytes:,}", _time(f.used)) for f in files]
    total = sum(f.nbytes for f in files)
    say("\n".join(align([("file", "bytes", "last used"), *rows], right=(1,))))
    say(f"{total:,} of {limit:,} bytes in {cache.folder}")
    return 0


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(" ", "minutes")


VERB = Subcommand("cache", "list or clear the unpacked copies of slow sources", add_arguments, run)
