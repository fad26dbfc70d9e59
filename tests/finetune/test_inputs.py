"""What becomes of an image, and what a run says of what it had to guess."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import chainer
import pytest

import chainer_ft as ft
from chainer_ft.finetune.inputs import preprocessing_for
from chainer_ft.finetune.settings import Settings

NET = """
layer {{ name: "data" type: "Input" top: "data" transform_param {{ {} }}
        input_param {{ shape {{ dim: 1 dim: 3 dim: 8 dim: 8 }} }} }}
layer {{ name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        inner_product_param {{ num_output: 2 }} }}
"""


def notes(folder: Path, transform: str, **preprocessing: Any) -> tuple[str, ...]:
    path = folder / "net.prototxt"
    path.write_text(NET.format(transform), encoding="utf-8")
    told = Settings(
        data="photos", model=str(path), weights=None, epochs=1, preprocessing=preprocessing or None
    )
    return preprocessing_for(told)[1]


def test_a_net_that_names_no_mean_is_told_of(tmp_path: Path) -> None:
    (note,) = notes(tmp_path, "")
    assert "net.prototxt names no mean, so none is subtracted" in note and "--mean 0" in note


@pytest.mark.parametrize("mean", [(104.0, 117.0, 123.0), (0.0,)])
def test_a_mean_that_is_given_is_no_news(tmp_path: Path, mean: tuple[float, ...]) -> None:
    assert notes(tmp_path, "", mean=mean) == ()


def test_nor_is_one_that_the_net_names(tmp_path: Path) -> None:
    assert notes(tmp_path, "mean_value: 104 mean_value: 117 mean_value: 123") == ()


def test_a_size_that_nobody_named_is_told_of(tmp_path: Path) -> None:
    told = Settings(data="photos", model="net.py:Net")
    made, (note,) = preprocessing_for(told)
    assert made.size == (224, 224)
    assert "net.py:Net" in note and "224x224" in note and "--size HEIGHTxWIDTH" in note
    for given in ({"size": (8, 8)}, {"preset": "torch", "size": (8, 8)}):
        assert preprocessing_for(replace(told, preprocessing=given))[1] == ()
    (note,) = preprocessing_for(replace(told, preprocessing={"preset": "torch"}))[1]
    assert "224x224" in note


@pytest.mark.parametrize(("channels", "order"), [(1, "L"), (3, "BGR")])
def test_channels_that_the_net_leaves_open_are_those_of_its_weights(
    tmp_path: Path, channels: int, order: str
) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(
        """
        layer { name: "data" type: "Data" top: "data" transform_param { crop_size: 8 } }
        layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
                convolution_param { num_output: 4 kernel_size: 3 } }
        """,
        encoding="utf-8",
    )
    link = chainer.Chain(conv=chainer.links.Convolution2D(channels, 4, 3))
    ft.save(tmp_path / "old.npz", link)
    told = Settings(data="photos", model=str(path), weights=str(tmp_path / "old.npz"))
    assert preprocessing_for(told)[0].channels == order
    assert preprocessing_for(replace(told, weights=None))[0].channels == "BGR"
