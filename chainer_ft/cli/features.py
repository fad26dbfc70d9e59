"""``chainer-ft features DATA``: what a layer makes of images, as HDF5 for other tools."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from chainer_ft.cli.output import say
from chainer_ft.cli.progress import counted
from chainer_ft.cli.rules import add_rules, rules
from chainer_ft.cli.training_options import add_preprocessing, preprocessing_of
from chainer_ft.cli.training_values import count
from chainer_ft.report.table import shape_text
from chainer_ft.types import Subcommand

if TYPE_CHECKING:
    import chainer

    from chainer_ft.finetune.extracting import Extracted, Part
    from chainer_ft.images import Images, Preprocessing


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "data",
        metavar="DATA",
        help="folder with a folder of images for each class; CSV of paths and labels; .npz; LMDB",
    )
    parser.add_argument(
        "--model", metavar="MODEL", required=True, help="file.py:callable, or a .prototxt"
    )
    parser.add_argument("--weights", metavar="FILE", help="weights for it, of any format")
    parser.add_argument(
        "--layer",
        metavar="NAME",
        help="blob of a Caffe net, path of a link, or a layer of Chainer's pretrained nets; "
        "by default what the head reads",
    )
    parser.add_argument("-o", dest="out", metavar="OUT", required=True, help="HDF5 file to write")
    add_preprocessing(parser.add_argument_group("images"))
    add_rules(parser)
    parser.add_argument("--batch-size", type=count, default=32, metavar="N", help="(default: 32)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that prepare images")
    parser.add_argument("--device", default="@numpy", help="@numpy, @cupy:0 (default: @numpy)")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: Namespace) -> int:
    """Run the verb. What was computed before an interrupt is not computed again."""
    from chainer_ft.finetune.extracting import extract
    from chainer_ft.images import find
    from chainer_ft.images.batches import usual_workers

    watched = sys.stderr.isatty()
    seen = counted("images checked") if watched else None
    images = find(options.data, strict=options.strict, progress=seen)
    model, notes = _model(options)
    preprocessing, guessed = _preprocessing(options)
    about = {name: getattr(options, name) for name in ("model", "weights", "data")}
    made = extract(
        model,
        _parts(images, preprocessing),
        options.out,
        layer=options.layer,
        classes=images.classes,
        about={**about, "preprocessing": preprocessing.to_dict()},
        batch_size=options.batch_size,
        device=options.device,
        progress=counted("images computed") if watched else None,
        workers=usual_workers() if options.workers is None else options.workers,
    )
    left_out = [f"{one.path}: {one.reason}; left out" for one in images.broken]
    _print(options, made, [*notes, *guessed, *left_out], len(images.classes))
    return 0


def _print(options: Namespace, made: Extracted, notes: list[str], classes: int) -> None:
    if options.json:
        data = {"schema": "chainer_ft.features/1", **asdict(made), "notes": notes}
        say(json.dumps(data, indent=1))
        return
    for note in notes:
        say(f"note: {note}", sys.stderr)
    counts = ", ".join(f"{count:,} {name}" for name, count in made.counts.items())
    say(f"{made.layer}: {shape_text(made.shape)} a sample; {counts}; {classes} classes")
    say(f"written: {made.path}")


def _model(options: Namespace) -> tuple[chainer.Link, list[str]]:
    """The model with its weights, and what is to be said of them."""
    from chainer_ft.caffe.net import Net
    from chainer_ft.finetune.building import is_caffe, maker
    from chainer_ft.transfer import plan

    is_net = is_caffe(options.model)
    model = Net(options.model, phase="TEST") if is_net else maker(options.model)(True)
    notes = ["no --weights: the features are those of the model as it was made"]
    if options.weights:
        made = plan(options.weights, model, **rules(options))
        made.apply()
        missing = ", ".join(made.missing)
        notes = [f"{missing}: not in {options.weights}"] if missing else []
    model.to_device(options.device)
    return model, notes


def _preprocessing(options: Namespace) -> tuple[Preprocessing, tuple[str, ...]]:
    from chainer_ft.finetune.inputs import preprocessing_for
    from chainer_ft.finetune.settings import Settings

    told = preprocessing_of(options)
    settings = Settings(options.data, options.model, options.weights, preprocessing=told)
    return preprocessing_for(settings)


def _parts(images: Images, preprocessing: Preprocessing) -> list[Part]:
    from chainer_ft.finetune.extracting import Part
    from chainer_ft.images import Dataset

    parts: dict[Literal["train", "val"], Any] = {"train": images.train, "val": images.val}
    return [
        Part(
            name,
            Dataset(images, name, preprocessing),
            [item.label for item in items],
            [item.key for item in items],
        )
        for name, items in parts.items()
        if items
    ]


VERB = Subcommand("features", "write what a layer makes of images, as HDF5", add_arguments, run)
