"""Real photographs and real weights: fine-tuned against scratch, and cached against all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import chainer_ft as ft


@pytest.mark.slow
def test_fine_tuning_is_25_points_ahead_of_scratch(shared: Path, tmp_path: Path) -> None:
    quick = shared / "data/caffe/cifar10_quick_v1_everpeace"
    result = ft.fine_tune(
        str(quick / "cifar10_quick.prototxt"),
        quick / "cifar10_quick_iter_4000.caffemodel",
        shared / "data/datasets/sign_language_digits",
        5,
        0.001,
        per_class=20,
        val=0.1,
        preprocessing={"mean": (114, 123, 125)},
        baselines=["scratch", "frozen"],
        out=tmp_path / "run",
        workers=0,
    )
    scratch, frozen = result.baselines
    assert scratch.margin is not None and scratch.margin.interval[0] > 0.25
    assert result.fine_tuned.score.accuracy > frozen.score.accuracy > scratch.score.accuracy
    assert "scratch: the net says that" in result.notes[-1]
