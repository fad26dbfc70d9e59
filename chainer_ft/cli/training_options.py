"""The options of ``chainer-ft train``, and what they say together."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace, _ArgumentGroup
from typing import TYPE_CHECKING, Any

from chainer_ft.cli.rules import add_rules, floor, rules
from chainer_ft.cli.training_values import (
    baselines,
    count,
    labels_of,
    mean,
    numbers,
    rate,
    schedule_of,
    size,
)

if TYPE_CHECKING:
    from chainer_ft.finetune.settings import Settings


def add_options(parser: ArgumentParser) -> None:
    """Add all of them, in groups."""
    _add_model(parser)
    _add_schedule(parser)
    _add_rates(parser)
    _add_images(parser)
    _add_rest(parser)


def _add_model(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("the model")
    group.add_argument(
        "--model", metavar="MODEL", help="file.py:Net, package.module:Net, or a .prototxt"
    )
    group.add_argument("--weights", metavar="FILE", help="weights file, or FILE::PREFIX")
    group.add_argument(
        "--head", metavar="PATH", help="layer that gives the scores (default: found)"
    )
    group.add_argument(
        "--labels",
        metavar="FILE",
        help="names of the classes of the weights, one a line; those that are still there keep "
        "their rows of the head",
    )
    group.add_argument("--policy", default="name", help="how weights are matched (default: name)")
    group.add_argument(
        "--min-coverage", type=floor, default=0.0, metavar="0.0-1.0", help="least share to copy"
    )
    add_rules(parser)


def _add_schedule(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("what trains when")
    group.add_argument(
        "--scenario",
        default="large-similar",
        metavar="NAME",
        help="small-similar, large-similar, small-different, large-different: how many "
        "images, and whether they are like those of the weights; auto measures (default: "
        "large-similar)",
    )
    group.add_argument("--schedule", metavar="YAML", help="a schedule in place of a scenario")
    group.add_argument("--epochs", type=int, default=5, metavar="N", help="in all (default: 5)")
    group.add_argument(
        "--freeze-epochs", type=float, metavar="N", help="the first N for the head alone"
    )
    group.add_argument(
        "--freeze", action="append", default=[], metavar="GLOB", help="freeze throughout"
    )
    group.add_argument("--cut", metavar="PATH", help="where small-different cuts (default: half)")
    group.add_argument(
        "--patience", type=int, metavar="N", help="stop after N epochs that were no better"
    )


def _add_rates(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("learning rates")
    group.add_argument("--lr", type=rate, metavar="RATE", help="of the body; `find` looks for one")
    group.add_argument(
        "--head-lr", type=float, default=10.0, metavar="X", help="times that for what is new (10)"
    )
    group.add_argument("--optimizer", default="adamw", help="adamw or sgd (default: adamw)")
    group.add_argument("--decay", type=float, metavar="X", help="weight decay")
    group.add_argument(
        "--curve", default="one-cycle", help="one-cycle, cosine or constant (default: one-cycle)"
    )


def _add_images(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("images")
    group.add_argument(
        "--val", type=float, default=0.2, metavar="SHARE", help="for validation (default: 0.2)"
    )
    group.add_argument("--per-class", type=int, metavar="N", help="train on N of each class")
    add_preprocessing(group)
    group.add_argument("--augment", action="store_true", help="random crops, flips, colours")
    group.add_argument(
        "--draws",
        type=int,
        default=1,
        metavar="K",
        help="with --augment: of what is frozen, keep the features of K drawn augmentations",
    )
    group.add_argument("--no-flip", action="store_true", help="left and right mean something")
    group.add_argument("--workers", type=int, metavar="N", help="processes that prepare images")


def add_preprocessing(group: _ArgumentGroup) -> None:
    """Add what is said of the images that a net gets."""
    group.add_argument("--strict", action="store_true", help="a broken image is an error")
    group.add_argument(
        "--preprocessing", metavar="NAME", help="chainer, caffe, torch or tf: what weights expect"
    )
    group.add_argument("--size", type=size, metavar="HxW", help="of the input")
    group.add_argument("--channels", metavar="ORDER", help="RGB, BGR or L")
    group.add_argument("--scale", type=float, metavar="X", help="factor of the pixels, 0 to 255")
    group.add_argument(
        "--mean", type=mean, metavar="MEAN", help="numbers, 104,117,123, or a .binaryproto"
    )
    group.add_argument("--std", type=numbers, metavar="NUMBERS", help="standard deviation")


def _add_rest(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("the run")
    group.add_argument("--batch-size", type=int, default=32, metavar="N", help="(default: 32)")
    group.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is random")
    group.add_argument("--device", help="@numpy, @cupy:0 (default: @numpy)")
    group.add_argument(
        "--baseline",
        type=baselines,
        default=(),
        metavar="NAMES",
        help="scratch,frozen: train these too; scratch:0.01 at a rate of its own",
    )
    group.add_argument("--no-cache", action="store_true", help="keep no features of what is frozen")
    group.add_argument(
        "--snapshot-every", type=count, metavar="N", help="iterations, besides each epoch"
    )
    group.add_argument("--emit-script", metavar="FILE", help="write the run as a Python script")


#: Options that are settings of the same name.
_SAME = (
    *("data", "model", "weights", "head", "epochs", "freeze_epochs", "scenario", "cut"),
    *("patience", "lr", "head_lr", "optimizer", "decay", "curve", "val", "per_class", "strict"),
    *("batch_size", "seed", "workers", "device", "draws"),
)


def settings_of(options: Namespace, command: str) -> Settings:
    """The settings that the options say."""
    from chainer_ft.finetune.settings import Settings

    named = {"policy": options.policy, "min_coverage": options.min_coverage, **rules(options)}
    return Settings(
        **{name: value for name in _SAME if (value := getattr(options, name)) is not None},
        schedule=None if options.schedule is None else schedule_of(options.schedule),
        freeze=tuple(options.freeze),
        labels=None if options.labels is None else labels_of(options.labels),
        preprocessing=preprocessing_of(options),
        augmentation=_augmentation(options),
        cache=not options.no_cache,
        baselines=options.baseline,
        rules=named,
        command=command,
    )


def preprocessing_of(options: Namespace) -> dict[str, Any]:
    """What the options say of it."""
    given = {name: getattr(options, name) for name in ("size", "channels", "scale", "std")}
    is_file = options.mean is not None and os.path.isfile(options.mean)
    told = None if options.mean is None or is_file else numbers(options.mean)
    given |= {"mean": told, "mean_file": options.mean if is_file else None}
    given["preset"] = options.preprocessing
    return {name: value for name, value in given.items() if value is not None}


def _augmentation(options: Namespace) -> dict[str, Any] | None:
    from chainer_ft.images import Augmentation

    if not options.augment:
        return None
    return (Augmentation(flip=0.0) if options.no_flip else Augmentation()).to_dict()
