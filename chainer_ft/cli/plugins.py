"""``chainer-ft plugins``: what there is; active, blocked or broken, and why."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from chainer_ft.cli.output import say
from chainer_ft.host import Host, PluginRecord, default_host
from chainer_ft.report.table import align
from chainer_ft.types import (
    CaffeLayer,
    ExtensionFactory,
    MatchPolicy,
    Saver,
    SourceLoader,
    Subcommand,
)

_KINDS = {
    "loader": SourceLoader,
    "saver": Saver,
    "policy": MatchPolicy,
    "extension": ExtensionFactory,
    "verb": Subcommand,
    "Caffe layer": CaffeLayer,
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: Namespace) -> int:
    """Run the verb. A broken plugin is something to show, not a failure."""
    host = default_host()
    host.records()  # asks every plugin, so that what breaks then is known below
    say(_json(host) if options.json else _text(host))
    return 0


def _text(host: Host) -> str:
    lines = align([("plugin", "", "provides"), *map(_cells, host.records())])
    for word, kind in _KINDS.items():
        found = host.all(kind)
        if found:
            rows = [(f"  {n}", one.item.summary, f"({one.plugin})") for n, one in found.items()]
            lines += ["", f"{word}s" if word != "policy" else "policies", *align(rows)]
    wrong = [f"problem: {sentence}" for sentence in host.problems()]
    return "\n".join(lines + (["", *wrong] if wrong else []))


def _cells(record: PluginRecord) -> tuple[str, ...]:
    provides = ", ".join(record.provides)
    return record.title, record.state, record.cause or provides


def _json(host: Host) -> str:
    items = [
        {"kind": word, "name": name, "summary": one.item.summary, "plugin": one.plugin}
        for word, kind in _KINDS.items()
        for name, one in host.all(kind).items()
    ]
    data = {
        "schema": "chainer_ft.plugins/1",
        "plugins": [asdict(record) for record in host.records()],
        "items": items,
        "problems": list(host.problems()),
    }
    return json.dumps(data, indent=1)


VERB = Subcommand("plugins", "list the plugins and what is wrong with them", add_arguments, run)
