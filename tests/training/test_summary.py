"""What is said of a real model."""

from __future__ import annotations

import chainer
import numpy as np
import pytest
from chainer import links

from chainer_ft.report.model_table import LinkRow, ParamRow, Summary
from chainer_ft.training.freezing import freeze, unfreeze
from chainer_ft.training.parameters import tune
from chainer_ft.training.summary import own_rate, summary


@pytest.fixture
def model() -> chainer.Chain:
    made = chainer.Chain(
        conv=links.Convolution2D(3, 4, 3),
        bn=links.BatchNormalization(4),
        body=chainer.Chain(fc=links.Linear(None, 5)),
        fc=links.Linear(5, 2),
    )
    made.add_link("tied", links.Linear(5, 2))
    made.tied.W = made.fc.W
    return made


def row(of: Summary, path: str) -> LinkRow:
    return next(link for link in of.links if link.path == path)


def param(of: Summary, path: str) -> ParamRow:
    link, _, name = path.rpartition("/")
    return next(p for p in row(of, link).params if p.name == name)


class TestCounts:
    def test_are_those_of_chainer(self) -> None:
        made = chainer.Sequential(links.Linear(3, 4), links.BatchNormalization(4))
        assert summary(made).total == made.count_params() == 24

    def test_a_shared_parameter_counts_once(self, model: chainer.Chain) -> None:
        made = summary(model)
        assert made.total == (4 * 3 * 9 + 4) + 8 + 5 + (2 * 5 + 2) + 2
        assert param(made, "/tied/W").shared_with == "/fc/W"
        assert row(made, "/tied").total == 2

    def test_a_link_used_twice_counts_once(self) -> None:
        one = links.Linear(3, 4)
        assert summary(chainer.Sequential(one, one)).total == 16

    def test_lazy_parameters_are_told(self, model: chainer.Chain) -> None:
        made = summary(model)
        assert param(made, "/body/fc/W").shape == (5, None)
        assert "1 of 10 parameters have no array yet" in str(made)
        model.body.fc(np.zeros((1, 7), np.float32))
        assert summary(model).total == made.total + 35

    def test_totals_of_links_add_up(self, model: chainer.Chain) -> None:
        made = summary(model)
        tops = [row(made, f"/{name}").total for name in ("conv", "bn", "body", "fc", "tied")]
        assert made.total == sum(tops)


class TestStates:
    def test_frozen_parts_and_thawed(self, model: chainer.Chain) -> None:
        freeze(model, "/conv", "/bn")
        made = summary(model)
        assert param(made, "/conv/W").state == param(made, "/bn/gamma").state == "frozen"
        assert made.trainable == made.total - 112 - 8
        unfreeze(model)
        assert summary(model).trainable == made.total

    def test_statistics(self, model: chainer.Chain) -> None:
        assert row(summary(model), "/bn").note == "statistics move"
        freeze(model, "/bn")
        assert row(summary(model), "/bn").note == "statistics still"

    def test_statistics_that_are_let_go(self, model: chainer.Chain) -> None:
        freeze(model, "/bn", statistics="train")
        assert row(summary(model), "/bn").note == "statistics move"

    def test_disable_update_counts_only_once_there_is_a_rule(self, model: chainer.Chain) -> None:
        model.conv.disable_update()  # nothing to disable yet; Chainer does nothing
        assert param(summary(model), "/conv/W").state == "trains"
        chainer.optimizers.SGD().setup(model)
        model.conv.disable_update()
        assert param(summary(model), "/conv/W").state == "off"


class TestRates:
    def test_multipliers(self, model: chainer.Chain) -> None:
        tune(model.fc.W, "/fc/W", lr_mult=10.0)
        assert param(summary(model), "/fc/W").lr == "x10"
        assert param(summary(model), "/fc/b").lr == "x1"

    @pytest.mark.parametrize(
        ("optimizer", "name"),
        [(chainer.optimizers.SGD(0.1), "lr"), (chainer.optimizers.Adam(0.1), "alpha")],
    )
    def test_a_rate_of_its_own(
        self, model: chainer.Chain, optimizer: chainer.Optimizer, name: str
    ) -> None:
        optimizer.setup(model)
        assert own_rate(model.fc.b) is None
        setattr(model.fc.b.update_rule.hyperparam, name, 0.01)
        tune(model.fc.b, "/fc/b", lr_mult=3.0)
        assert own_rate(model.fc.b) == 0.01
        assert param(summary(model), "/fc/b").lr == "0.03"
