"""``chainer-ft predict RUN IMAGE...``: the class of images."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from chainer_ft.cli.output import say
from chainer_ft.errors import FormatError, UsageError
from chainer_ft.formats.unopened import advice
from chainer_ft.report.table import align, printable
from chainer_ft.types import Subcommand

if TYPE_CHECKING:
    from chainer_ft.finetune.using import Classifier


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_net(parser)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="image files")
    parser.add_argument("--top", type=int, default=1, metavar="N", help="classes to name (1)")
    parser.add_argument("--json", action="store_true", help="print all probabilities as JSON")


def add_net(parser: ArgumentParser) -> None:
    """Add what ``predict`` and ``evaluate`` have in common."""
    parser.add_argument("run_folder", metavar="RUN", help="run folder, or the model.npz of one")
    parser.add_argument("--model", metavar="MODEL", help="the model, where it was moved")
    parser.add_argument("--device", default="@numpy", help="@numpy, @cupy:0 (default: @numpy)")


def run(options: Namespace) -> int:
    """Run the verb; images that cannot be read are named, and the others are not held up."""
    from chainer_ft.finetune.using import load

    if options.top < 1:
        raise UsageError(f"--top {options.top}: name 1 class or more")
    net = load(options.run_folder, options.model, options.device)
    found, broken = _predicted(net, options.images)
    say(_json(net, found, broken) if options.json else _text(net, found, options.top))
    if broken:
        raise FormatError("; ".join(broken.values()))
    return 0


def _predicted(net: Classifier, paths: list[str]) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Probabilities by image, and what is wrong with the others."""
    found, broken = {}, {}
    for path in paths:
        try:
            found[path] = net.predict([path])[0].tolist()
        except FormatError as error:
            cause = error.__cause__
            broken[path] = f"{error}{advice(path, cause) if isinstance(cause, OSError) else ''}"
    return found, broken


def _text(net: Classifier, found: dict[str, list[float]], top: int) -> str:
    rows = [("image", *("class", "probability") * min(top, len(net.classes)))]
    for path, shares in found.items():
        best = sorted(range(len(shares)), key=lambda i: -shares[i])[:top]
        cells = [cell for i in best for cell in (net.classes[i], f"{shares[i]:.3f}")]
        rows.append((printable(path), *cells))
    return "\n".join(align(rows))


def _json(net: Classifier, found: dict[str, list[float]], broken: dict[str, str]) -> str:
    images = [
        {"image": path, "probabilities": dict(zip(net.classes, shares, strict=True))}
        for path, shares in found.items()
    ]
    wrong = [{"image": path, "reason": reason} for path, reason in broken.items()]
    data = {"schema": "chainer_ft.predictions/1", "images": images, "broken": wrong}
    return json.dumps(data, indent=1)


VERB = Subcommand("predict", "name the class of images with a net of `train`", add_arguments, run)
