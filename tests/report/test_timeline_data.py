"""A timeline goes into JSON and comes back."""

from __future__ import annotations

import json

from chainer_ft.report.timeline import Row, Span, Timeline, timeline_data, timeline_of


def test_it_comes_back_from_plain_data() -> None:
    made = Timeline(
        (Row("/a", (None, 0.1), (False, True)),),
        (Span("head", 0.0, 1.0, "1 epoch"), Span("all", 1.0, 3.0, "2 epochs", True)),
        "epoch",
    )
    assert timeline_of(json.loads(json.dumps(timeline_data(made)))) == made
