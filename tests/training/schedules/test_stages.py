"""What a person would call the layers or blocks of a model."""

from __future__ import annotations

import chainer
import chainer.links as L  # noqa: N812
from training_nets import net

from chainer_ft.training.schedules.stages import stages_of


def test_blocks_are_one_stage_each_and_norms_go_with_what_is_before() -> None:
    assert stages_of(net()) == [["/conv1", "/bn1"], ["/blocks"], ["/tied"], ["/fc"]]


def test_wrappers_are_looked_through() -> None:
    model = L.Classifier(chainer.Chain(inner=net()))
    assert stages_of(model)[-1] == ["/predictor/inner/fc"]


def test_a_layer_is_not_a_wrapper() -> None:
    assert stages_of(L.Classifier(L.Linear(3, 2))) == [["/predictor"]]


def test_a_sequential_is_in_the_order_of_its_calls() -> None:
    model = chainer.Sequential(*(L.Linear(n, n + 1) for n in range(2, 6)))
    shapes = dict(model.namedparams())
    assert [shapes[f"{path}/W"].shape[1] for (path,) in stages_of(model)] == [2, 3, 4, 5]


def test_a_lazy_layer_counts_by_its_name() -> None:
    model = chainer.Chain(a=L.Linear(2, 2), b=L.Linear(None, 2), bn=L.BatchNormalization(2))
    assert stages_of(model) == [["/a"], ["/b", "/bn"]]


def test_what_has_no_parameters_is_no_stage() -> None:
    model = chainer.Chain(a=L.Linear(2, 2), empty=chainer.Chain(), b=L.Linear(2, 2))
    assert stages_of(model) == [["/a"], ["/b"]]
    assert stages_of(chainer.Chain()) == []


def test_a_name_may_have_a_slash() -> None:
    model = chainer.Chain(a=L.Linear(2, 2))
    for name in ("inception/1x1", "loss/fc"):
        model.add_link(name, L.Linear(2, 2))
    assert stages_of(model) == [["/a"], ["/inception/1x1"], ["/loss/fc"]]
