"""Extensions that a snapshot was taken with, and that the script lacks."""

from __future__ import annotations

import pytest

from chainer_ft.training.missing import tell_of_missing


def test_each_that_is_missing_is_named(caplog: pytest.LogCaptureFixture) -> None:
    tell_of_missing(["Schedule", "Freeze"], ["LogReport", "Freeze"])
    assert [record.args for record in caplog.records] == [("Schedule",)]
