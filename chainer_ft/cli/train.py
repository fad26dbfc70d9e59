"""``chainer-ft train DATA``: fine-tune a classifier of images, and compare."""

from __future__ import annotations

import json
import os
import shlex
import sys
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainer_ft.cli.output import say
from chainer_ft.cli.progress import counted
from chainer_ft.cli.training_options import add_options, settings_of
from chainer_ft.errors import UsageError
from chainer_ft.report.table import align
from chainer_ft.types import Subcommand

if TYPE_CHECKING:
    from chainer.training import Trainer

    from chainer_ft.finetune.folder import RunFolder
    from chainer_ft.finetune.result import RunResult
    from chainer_ft.finetune.settings import Settings


#: Options that say nothing of the run itself.
_BESIDES = ("resume", "json", "emit_script", "snapshot_every", "workers", "device")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "data",
        metavar="DATA",
        nargs="?",
        help="folder with a folder of images for each class, "
        "with train/ and val/ or without; CSV of paths and labels; .npz; LMDB",
    )
    parser.add_argument("--out", metavar="RUN", help="folder for all that the run writes")
    parser.add_argument(
        "--resume",
        metavar="RUN",
        help="go on with a run; needs nothing else (--workers and --device may be others)",
    )
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(options: Namespace) -> int:
    """Run the verb."""
    from chainer_ft.finetune.api import begin, go_on
    from chainer_ft.finetune.folder import RunFolder
    from chainer_ft.finetune.keeping import Interrupted
    from chainer_ft.finetune.script import waits

    folder = RunFolder(options.resume or options.out or "")
    if options.resume:
        _check_alone(options)
        settings = _taken_up(options, folder)
    else:
        _check_whole(options)
        settings = settings_of(options, f"chainer-ft {shlex.join(sys.argv[1:])}")
        begin(settings, folder)
    late = bool(options.emit_script) and waits(folder.settings())
    if options.emit_script and not late:
        _emit(folder, options.emit_script)
    try:
        result = go_on(
            folder,
            settings.model,
            extend=_watch(options),
            every=options.snapshot_every,
            tell=_quiet if options.json else say,
            checked=_checked(),
        )
    except Interrupted as error:
        raise Interrupted(f"{error}; go on: chainer-ft train --resume {folder.path}") from error
    if late:
        _emit(folder, options.emit_script, result)
    data = json.dumps(result.to_dict(), indent=1)
    say(data if options.json else f"{comparison(result)}\nwritten: {folder.path}")
    return 0


def _emit(folder: RunFolder, path: str, result: RunResult | None = None) -> None:
    """Write the run as a script: before it begins, unless that needs what it finds."""
    from chainer_ft.finetune.script import script_of_run
    from chainer_ft.formats.atomic import replacing

    text = script_of_run(folder.settings(), os.path.splitext(path)[0], result)
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def _check_alone(options: Namespace) -> None:
    """See that nothing is given that a run that goes on would pass over."""
    parser = ArgumentParser()
    add_arguments(parser)
    usual = vars(parser.parse_args([]))
    more = [name for name, value in usual.items() if getattr(options, name) != value]
    wrong = [name for name in more if name not in _BESIDES]
    if wrong:
        named = ", ".join(
            "DATA" if one == "data" else f"--{one.replace('_', '-')}" for one in wrong
        )
        raise UsageError(
            f"--resume RUN goes on with what the run was told; give nothing besides: {named}"
        )


def _taken_up(options: Namespace, folder: RunFolder) -> Settings:
    """The settings of a run that goes on, here with other workers or on another device."""
    given = {"workers": options.workers, "device": options.device}
    here = {name: value for name, value in given.items() if value is not None}
    settings = replace(folder.settings(), **here)
    if here:
        folder.keep({**folder.state(), "settings": settings.to_dict()})
    return settings


def _check_whole(options: Namespace) -> None:
    needed = {"DATA": options.data, "--model": options.model, "--out": options.out}
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise UsageError(
            f"{', '.join(missing)}: missing; chainer-ft train photos/ --model nets.py:Net "
            "--weights old.npz --out run1"
        )


def _quiet(text: str) -> None:
    """Say nothing: JSON is all that is printed."""


def _watch(options: Namespace) -> Any:
    """Adds to a trainer what tells how it goes."""

    def extend(trainer: Trainer) -> None:
        from chainer_ft.finetune.showing import Bar, Lines

        if not options.json:
            trainer.extend(Lines(say))
        if sys.stderr.isatty():
            trainer.extend(Bar(sys.stderr))
            _count_features(trainer)

    return extend


def _count_features(trainer: Trainer) -> None:
    """Show how many features are computed, where some are."""
    with suppress(ValueError):
        trainer.get_extension("FeatureCache").progress = counted("features")


def _checked() -> Any:
    """Shows how many images have been looked at."""
    return counted("images checked") if sys.stderr.isatty() else None


def comparison(result: RunResult) -> str:
    """The trainings side by side."""
    rows = [
        (
            one.name,
            f"{one.score.accuracy:.2%}",
            "{:.1%} to {:.1%}".format(*one.score.interval),
            "" if one.margin is None else str(one.margin),
            f"{one.lr:.3g}",
            f"{one.seconds:.1f}",
        )
        for one in (result.fine_tuned, *result.baselines)
    ]
    titles = ("", "accuracy", "95 % interval", "fine-tuned is ahead by", "lr", "seconds")
    return "\n".join(align([titles, *rows], right=(1, 4, 5)))


VERB = Subcommand("train", "fine-tune a classifier of images, and compare", add_arguments, run)
