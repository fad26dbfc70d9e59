"""Fillers: the bilinear one exactly, the random ones by their moments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chainer_ft.caffe.fillers import check_filler, fan, fill
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import PrototxtError
from chainer_ft.caffe.text_reader import read_text

SHAPE = (60, 50, 3, 4)


def filler(text: str) -> Message:
    return read_text(text, "FillerParameter", "f")


def values(text: str, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    made = fill(filler(text), shape, np.random.RandomState(0))
    assert made.dtype == np.float32 and made.shape == shape
    return made


def test_bilinear_equals_caffe(shared: Path) -> None:
    with np.load(shared / "caffe/golden/fillers_bilinear.npz") as golden:
        for name in golden:
            found = values('type: "bilinear"', golden[name].shape)
            np.testing.assert_allclose(found, golden[name], rtol=1e-6, atol=1e-7)


def test_constant() -> None:
    assert (values("value: 0.25") == 0.25).all()
    assert (fill(Message("FillerParameter"), (2,)) == 0).all()


def test_uniform() -> None:
    found = values('type: "uniform" min: -2 max: 1')
    assert -2 <= found.min() < -1.99 and 0.99 < found.max() <= 1


def test_gaussian() -> None:
    found = values('type: "gaussian" mean: 3 std: 0.5')
    assert found.mean() == pytest.approx(3, abs=0.01) and found.std() == pytest.approx(
        0.5, abs=0.01
    )


def test_sparse_keeps_a_share_of_each_output() -> None:
    found = values('type: "gaussian" std: 1 sparse: 15')
    assert (found != 0).mean() == pytest.approx(15 / 60, abs=0.01)


@pytest.mark.parametrize(("norm", "n"), [("FAN_IN", 600), ("FAN_OUT", 720), ("AVERAGE", 660)])
def test_fans(norm: str, n: float) -> None:
    text = f"variance_norm: {norm}"
    assert fan(filler(text), SHAPE) == n
    limit = np.sqrt(3 / n)
    xavier = values(f'type: "xavier" {text}')
    assert limit * 0.999 < np.abs(xavier).max() <= limit * (1 + 1e-6)
    msra = values(f'type: "msra" {text}')
    assert msra.std() == pytest.approx(np.sqrt(2 / n), rel=0.01)


def test_the_fan_of_a_vector() -> None:
    assert fan(filler("variance_norm: FAN_OUT"), (7,)) == 7 and fan(filler(""), (7,)) == 1


def test_positive_unitball() -> None:
    found = values('type: "positive_unitball"')
    assert (found >= 0).all()
    np.testing.assert_allclose(found.reshape(60, -1).sum(1), 1, rtol=1e-5)


def test_what_is_wrong_with_fillers() -> None:
    with pytest.raises(PrototxtError, match=r"^f:1:1: there is no filler 'gausian'; .*gaussian"):
        check_filler(filler('type: "gausian"'))
    with pytest.raises(PrototxtError, match=r"^f:1:16: sparse is for gaussian fillers, not for"):
        check_filler(filler('type: "xavier" sparse: 3'))
    with pytest.raises(PrototxtError, match=r"square kernels, not shape \(1, 1, 2, 3\)"):
        values('type: "bilinear"', (1, 1, 2, 3))
