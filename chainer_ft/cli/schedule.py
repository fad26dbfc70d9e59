"""``chainer-ft schedule MODEL``: draft a schedule of fine-tuning, check it, draw it."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from chainer_ft.cli.output import say
from chainer_ft.errors import UsageError
from chainer_ft.types import Subcommand

if TYPE_CHECKING:
    import chainer

    from chainer_ft.report.timeline import Timeline
    from chainer_ft.training.schedules.checking import Problem


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "model", metavar="MODEL", help="file.py:Net, package.module:Net, or a .prototxt"
    )
    parser.add_argument("-o", "--out", metavar="YAML", help="write the draft here, a new file")
    parser.add_argument(
        "--gradual", action="store_true", help="draft unfreezing layer by layer from the head down"
    )
    parser.add_argument("--check", metavar="YAML", help="take this schedule and draft none")
    parser.add_argument("--timeline", metavar="PNG", help="draw what trains when, at which rate")
    parser.add_argument("--json", action="store_true", help="print the timeline as JSON")


def run(options: Namespace) -> int:
    """Run the verb."""
    from chainer_ft.finetune.building import maker
    from chainer_ft.training.schedules.draft import draft

    _check_options(options)
    model = maker(options.model)(True)
    text = None if options.check else draft(model, options.model, options.gradual)
    timeline, found = _seen(model, text, options)
    if options.timeline:
        from chainer_ft.report.timeline_picture import draw_timeline

        draw_timeline(timeline, options.timeline)
    if text is not None and options.out:
        _write(text, options.out)
    say(_report(text, timeline, found, options))
    return 0


def _check_options(options: Namespace) -> None:
    if options.check and (options.out or options.gradual):
        raise UsageError("--check takes a schedule that exists; -o and --gradual draft one")
    if options.out and os.path.exists(options.out):
        raise UsageError(f"{options.out}: exists, and may have been edited; name another file")
    if options.timeline:
        from chainer_ft.report.pictures import check_drawable

        check_drawable(options.timeline)


def _write(text: str, out: str) -> None:
    from chainer_ft.formats.atomic import replacing

    with replacing(out) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def _seen(
    model: chainer.Link, text: str | None, options: Namespace
) -> tuple[Timeline, list[Problem]]:
    """The timeline of the draft, or of the schedule that is checked, and its problems."""
    from chainer_ft.training.schedules import Schedule
    from chainer_ft.training.schedules.checking import problems
    from chainer_ft.training.schedules.resolving import resolve
    from chainer_ft.training.schedules.timelines import timeline
    from chainer_ft.training.schedules.yaml_reading import read

    schedule = Schedule.load(options.check) if text is None else Schedule(read(text))
    phases = resolve(model, schedule)
    return timeline(phases), problems(phases)


def _report(text: str | None, timeline: Timeline, found: list[Problem], options: Namespace) -> str:
    from chainer_ft.report.timeline import timeline_data, timeline_table

    if options.json:
        told = [{"kind": one.kind, "text": one.text} for one in found]
        data = {"schema": "chainer_ft.schedule/1", "model": options.model}
        return json.dumps({**data, **timeline_data(timeline), "problems": told}, indent=1)
    if text is not None and not options.out:
        return text.rstrip("\n")
    written = [f"written: {path}" for path in (options.out, options.timeline) if path]
    problems = [f"! {one}" for one in found]
    return "\n".join([timeline_table(timeline), *written, *problems])


VERB = Subcommand(
    "schedule", "draft a schedule of fine-tuning for a model, check it, draw it", add_arguments, run
)
