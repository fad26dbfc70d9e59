"""Where a computation is cut, without any computation."""

from __future__ import annotations

import pytest

from chainer_ft.finetune.computation import Call, Output, Source, Span
from chainer_ft.finetune.split import CannotSplit, split

FROZEN, LIVE, OPAQUE = Source("frozen"), Source("live"), Source("opaque")
X, T = Source("input", 0), Source("input", 1)


def made(place: int) -> Source:
    return Source("call", place)


def call(*inputs: Source, shape: tuple[int, ...] = (4, 3), live: bool = False) -> Call:
    return Call("f", inputs, (Output(shape, "<f4", tuple(range(len(shape)))),), live)


LOSS = Output((), "<f4", ())


def test_the_cut_is_where_something_live_is_read() -> None:
    calls = [call(X, FROZEN), call(made(0), FROZEN), call(made(1), LIVE), call(made(2), T)]
    one = split(calls, 2, 4, [made(3)])
    assert one.skipped == {0, 1} and one.columns == (made(1),) and one.given == (1,)


def test_a_second_branch_is_a_second_column() -> None:
    calls = [call(X, FROZEN), call(made(0), FROZEN), call(made(0), LIVE), call(made(1), made(2))]
    assert split(calls, 1, 4, [made(3)]).columns == (made(0), made(1))


def test_an_input_that_is_still_read_is_given() -> None:
    calls = [call(X, FROZEN), call(X, LIVE), call(made(0), made(1))]
    assert split(calls, 1, 4, [made(2)]).given == (0,)


def test_random_numbers_are_drawn_again() -> None:
    calls = [call(X, FROZEN), call(made(0), live=True), call(made(1), LIVE)]
    one = split(calls, 1, 4, [made(2)])
    assert one.skipped == {0} and one.columns == (made(0),)


def test_what_has_no_row_for_each_sample_is_computed_again() -> None:
    calls = [call(X, FROZEN), call(made(0), shape=(3, 4)), call(made(1), LIVE)]
    one = split(calls, 1, 4, [made(2)])
    assert one.skipped == {0} and one.columns == (made(0),)


def test_a_constant_of_frozen_arrays_is_no_column() -> None:
    calls = [call(FROZEN), call(X, FROZEN), call(made(0), made(1), LIVE)]
    one = split(calls, 1, 4, [made(2)])
    assert one.columns == (made(1),) and one.skipped == {1}


def test_an_unseen_array_is_trusted_until_something_lives() -> None:
    before = [call(OPAQUE, FROZEN), call(made(0), LIVE), call(OPAQUE, FROZEN)]
    one = split(before, 1, 4, [made(1), made(2)])
    assert one.skipped == {0}


def test_what_is_reported_is_kept() -> None:
    calls = [call(X, FROZEN), call(made(0), FROZEN), call(made(1), LIVE)]
    assert split(calls, 1, 4, [made(0), made(2)]).columns == (made(0), made(1))


@pytest.mark.parametrize(
    "calls", [[], [call(X, LIVE)], [call(X), call(made(0), LIVE)], [call(FROZEN), call(X, LIVE)]]
)
def test_nothing_to_gain(calls: list[Call]) -> None:
    with pytest.raises(CannotSplit, match="nothing that is frozen"):
        split(calls, 1, 4)


class TestSpans:
    CALLS = (call(X, FROZEN), call(made(0), FROZEN), call(made(1), LIVE))

    def idle(self, span: Span, wanted: tuple[Source, ...] = ()) -> bool:
        one = split(self.CALLS, 1, 4, [made(2), *wanted], spans={(span.start, 7): span})
        return bool(one.spans)

    def test_a_link_that_is_all_frozen_need_not_run(self) -> None:
        assert self.idle(Span(0, 2, (made(1),)))

    def test_one_that_keeps_something_for_others_runs(self) -> None:
        assert not self.idle(Span(0, 2, (made(1),)), (made(0),))
        assert not self.idle(Span(0, 2, (made(1),), is_pure=False))

    def test_one_with_a_live_part_runs(self) -> None:
        assert not self.idle(Span(0, 3, (made(2),)))

    def test_one_that_returns_what_it_was_given_runs(self) -> None:
        assert not self.idle(Span(1, 2, (made(0),)))
