"""The table of layers in the guide is the table of layers."""

from __future__ import annotations

import re
from pathlib import Path

from chainer_ft.caffe.layers import DATA_LAYERS, KINDS, UNSUPPORTED
from chainer_ft.caffe.layers.table import MANY

PAGE = Path(__file__).parents[2] / "docs/caffe/net.md"


def count(limits: tuple[int, int]) -> str:
    least, most = limits
    if least == most:
        return str(least)
    return f"{least} or more" if most == MANY else f"{least} to {most}"


def test_every_layer_is_in_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", PAGE.read_text(), re.MULTILINE)
    kinds = [(n, k.summary, count(k.bottoms), count(k.tops)) for n, k in KINDS.items()]
    assert rows == kinds


def test_the_other_types_are_named() -> None:
    text = PAGE.read_text()
    assert all(f"`{name}`" in text for name in DATA_LAYERS | UNSUPPORTED)
