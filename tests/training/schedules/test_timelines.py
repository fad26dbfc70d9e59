"""The timeline of a schedule on a model."""

from __future__ import annotations

import chainer
from chainer import links as L  # noqa: N812

import chainer_ft as ft
from chainer_ft.report.timeline import Timeline
from chainer_ft.training.schedules.resolving import resolve
from chainer_ft.training.schedules.timelines import timeline


def of(*phases: ft.Phase, size: float | None = None) -> Timeline:
    model = chainer.Chain(conv=L.Linear(2, 2), fc=L.Linear(2, 2))
    return timeline(resolve(model, ft.Schedule(phases)), size)


def test_a_layer_shows_its_fastest_parameter_and_that_others_do_otherwise() -> None:
    conv, fc = of(ft.Phase("1 epoch", freeze="/conv/b", lr={"/fc/b": 2})).rows
    assert (conv.rates, conv.partly) == ((1.0,), (True,))
    assert (fc.rates, fc.partly) == ((2.0,), (True,))


def test_phases_follow_each_other() -> None:
    line = of(ft.Phase("1 epoch"), ft.Phase("1.5 epochs"), ft.Phase())
    assert [(s.start, s.end, s.is_open) for s in line.spans] == [
        (0.0, 1.0, False),
        (1.0, 2.5, False),
        (2.5, 3.5, True),
    ]
    assert line.unit == "epoch" and line.spans[2].length == "until the trainer stops"


def test_epochs_and_iterations_need_the_size_of_an_epoch() -> None:
    phases = [ft.Phase("2 epochs"), ft.Phase("50 iterations")]
    assert [span.end for span in of(*phases, size=100).spans] == [2.0, 2.5]
    assert of(*phases, size=100).unit == "epoch"
    unknown = of(*phases)
    assert unknown.unit == "phase" and [span.end for span in unknown.spans] == [1.0, 2.0]


def test_iterations_alone_are_iterations() -> None:
    assert of(ft.Phase("50 iterations"), ft.Phase("10 iterations")).unit == "iteration"


def test_a_metric_leaves_the_end_open() -> None:
    (span,) = of(ft.Phase(until=ft.EarlyStopping("loss", patience=4, check="2 epochs"))).spans
    assert (span.end, span.is_open) == (8.0, True)
    assert span.length == "until loss is no better for 4 checks"
