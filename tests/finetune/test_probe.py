"""Probes of several depths."""

from __future__ import annotations

from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812
import numpy as np
import pytest
from feature_nets import Residual, data, sequential

from chainer_ft.errors import UsageError
from chainer_ft.finetune.depths import depths, features
from chainer_ft.finetune.probe import linear_probe


def _befores(model: chainer.Link, **options: Any) -> list[str]:
    return [place.before for place in depths(model, data(2)[0], **options)]


def test_depths_stand_between_blocks_and_layers() -> None:
    assert _befores(Residual()) == ["/blocks/0", "/blocks/1", "/blocks/2", "/bn", "/fc"]
    assert _befores(sequential()) == ["/0", "/3", "/2", "/1"]


def test_a_wrapper_is_looked_through() -> None:
    wrapped = chainer.Sequential(Residual())
    assert _befores(wrapped) == ["/0/blocks/0", "/0/blocks/1", "/0/blocks/2", "/0/bn", "/0/fc"]


def test_of_many_depths_some_are_taken_and_the_last() -> None:
    deep = chainer.Sequential(*[L.Linear(4, 4) for _ in range(50)])
    found = depths(deep, np.zeros((1, 4), "f"), most=5)
    layers = {f"/{layer.name}": place for place, layer in enumerate(deep)}
    assert [layers[place.before] for place in found] == [0, 12, 24, 37, 49]


def test_features_are_what_the_layer_reads() -> None:
    net, (images, _) = sequential(), data(10)
    net(images[:1])
    places = depths(net, images[:1])
    found = features(net, [images[:6], images[6:]], places)
    with chainer.using_config("train", False):
        hidden = images
        for layer in net[:5]:
            hidden = layer(hidden)
    hidden = hidden.array
    np.testing.assert_allclose(found[places[-1]], hidden, rtol=1e-5)
    assert found[places[1]].shape == (10, 4 * 4 * 4)


def test_maps_are_averaged_over_a_grid() -> None:
    net = chainer.Sequential(L.Convolution2D(1, 600, 1), L.Linear(None, 2))
    images = np.arange(32, dtype="f").reshape(1, 1, 4, 8)
    places = depths(net, images)
    found = features(net, [images], places)
    assert found[places[1]].shape == (1, 600)
    assert found[places[0]][0].tolist() == images.reshape(4, 4, 2).mean(2).ravel().tolist()


def test_a_probe_finds_the_depth_where_the_classes_come_apart() -> None:
    class Squares(chainer.Chain):  # type: ignore[misc]
        """Classes differ in the size of a number, not in its sign; the last layer is noise."""

        def __init__(self) -> None:
            super().__init__()
            with self.init_scope():
                self.first = L.Linear(2, 2, initialW=np.eye(2, dtype="f"))
                self.second = L.Linear(2, 2, initialW=np.eye(2, dtype="f"))
                self.noise = L.Linear(2, 2, initialW=0)
                self.fc = L.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.fc(self.noise(self.second(F.square(self.first(x)))))

    draw = np.random.default_rng(0)
    labels = draw.integers(2, size=200)
    sizes = (1 + labels[:, None]) * draw.choice([-1, 1], (200, 2)) + draw.normal(0, 0.1, (200, 2))
    examples = list(zip(sizes.astype("f"), labels, strict=True))
    found = linear_probe(Squares(), examples[:100], examples[100:])
    assert found.best.depth.after in ("/first", "/second")
    assert found.best.accuracy == 1 and found.best.left_out == 1
    assert found.last.accuracy < 0.7 and found.probes[0].accuracy < 0.7
    assert "*" in str(found) and 0.3 < found.chance < 0.7


def test_nothing_to_probe() -> None:
    with pytest.raises(UsageError, match="nothing to probe"):
        depths(chainer.Sequential(F.relu), np.zeros((1, 2), "f"))
    with pytest.raises(UsageError, match="needs examples"):
        linear_probe(sequential(), [], [])
