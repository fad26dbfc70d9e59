"""Signals become requests, in Caffe's order, and what stood before comes back."""

from __future__ import annotations

import signal

import pytest

from chainer_ft.caffe.solver.signals import Signals
from chainer_ft.errors import UsageError


def test_each_signal_is_one_request_and_sighup_comes_first() -> None:
    with Signals() as requests:
        assert requests() == "none"
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGHUP)
        assert [requests() for _ in range(3)] == ["snapshot", "stop", "none"]


def test_other_effects() -> None:
    with Signals(sigint="none", sighup="stop") as requests:
        signal.raise_signal(signal.SIGINT)
        assert requests() == "none"
        signal.raise_signal(signal.SIGHUP)
        assert requests() == "stop"


def test_the_handlers_from_before_come_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP)
    with Signals():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP)) == before


def test_an_unknown_effect_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--sigint_effect 'halt'.*nearest"):
        Signals(sigint="halt")
