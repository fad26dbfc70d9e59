"""``chainer-ft evaluate RUN DATA``: how much of other images a net has right."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from chainer_ft.cli.output import say
from chainer_ft.cli.predict import add_net
from chainer_ft.cli.progress import counted
from chainer_ft.report.table import align, printable
from chainer_ft.types import Subcommand

if TYPE_CHECKING:
    from chainer_ft.finetune.measured import Confusion, Score
    from chainer_ft.images import Images


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_net(parser)
    parser.add_argument("data", metavar="DATA", help="folder of images by class, CSV, .npz, LMDB")
    parser.add_argument(
        "--part",
        choices=("all", "train", "val"),
        default="all",
        help="of DATA, split as the run did (default: all)",
    )
    parser.add_argument("--strict", action="store_true", help="a broken image is an error")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that prepare images")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(options: Namespace) -> int:
    """Run the verb."""
    from chainer_ft.finetune.using import load

    net = load(options.run_folder, options.model, options.device)
    images = _images(options, net.settings.val, net.settings.seed)
    total = len(images.train) + len(images.val)
    shown = counted("images") if sys.stderr.isatty() else None
    progress = None if shown is None else lambda done: shown(done, total)
    judged = net.evaluate(images, options.workers, progress)
    score, confusion = judged.score(), judged.confusion(net.classes)
    say(_json(images, score, confusion) if options.json else _text(images, score, confusion))
    return 0


def _images(options: Namespace, val: float, seed: int) -> Images:
    from chainer_ft.images import find

    shown = counted("images checked") if sys.stderr.isatty() else None
    told = {"val": val, "seed": seed, "strict": options.strict, "progress": shown}
    found = find(options.data, learn=False, **told)
    if options.part == "train":
        return replace(found, val=())
    return found if options.part == "all" else replace(found, train=())


def _text(images: Images, score: Score, confusion: Confusion) -> str:
    rows = [
        (printable(name), f"{row[i]} of {sum(row)}", f"{row[i] / sum(row):.2%}" if sum(row) else "")
        for i, (name, row) in enumerate(zip(confusion.classes, confusion.counts, strict=True))
    ]
    broken = [
        f"broken, left out: {printable(f'{one.path}: {one.reason}')}" for one in images.broken
    ]
    table = align([("class", "right", "accuracy"), *rows], right=(1, 2))
    return "\n".join([*table, *broken, f"accuracy {score}"])


def _json(images: Images, score: Score, confusion: Confusion) -> str:
    data = {
        "schema": "chainer_ft.evaluation/1",
        "accuracy": score.accuracy,
        "interval": list(score.interval),
        "correct": score.correct,
        "count": score.count,
        "classes": list(confusion.classes),
        "confusion": [list(row) for row in confusion.counts],
        "broken": [one._asdict() for one in images.broken],
    }
    return json.dumps(data, indent=1)


VERB = Subcommand(
    "evaluate", "how much of other images a net of `train` has right", add_arguments, run
)
