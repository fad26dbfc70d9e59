"""Where a computation can be cut: all that follows from the inputs and frozen numbers alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from chainer_ft.errors import ChainerFTError
from chainer_ft.finetune.computation import Call, Source, Span, Split


class CannotSplit(ChainerFTError):  # noqa: N818  it says why there is nothing to cache
    """No part of the computation can be done once and for all; says why."""


class NotReady(CannotSplit):
    """The model is not complete before its first batch."""


def split(
    calls: Sequence[Call],
    inputs: int,
    size: int,
    wanted: Iterable[Source] = (),
    pinned: Collection[int] = (),
    spans: Mapping[tuple[int, int], Span] | None = None,
) -> Split:
    """Cut a computation as deep as it goes.

    Args:
        calls: The computation.
        inputs: How many inputs it has.
        size: Samples in the batch, on the first axis of what is kept.
        wanted: What else is read at the end: the result, what is reported.
        pinned: Inputs that the model's own code reads.
        spans: What links do in it.

    Raises:
        CannotSplit: There is nothing to gain.
    """
    wanted = list(wanted)
    made = _made_again(calls, _states(calls), size, wanted)
    skipped = frozenset(range(len(calls))) - made
    read = _read(calls, made, wanted)
    columns = tuple(sorted(s for s in read if s.kind == "call" and s.place in skipped))
    needed = _ancestors(calls, {s.place for s in columns})
    if not any(s.kind == "frozen" for k in needed for s in calls[k].inputs):
        raise CannotSplit("nothing that is frozen stands before all that trains")
    given = _given(calls, inputs, read, pinned)
    idle = {k: s for k, s in (spans or {}).items() if _is_idle(s, calls, skipped, set(wanted))}
    return Split(tuple(calls), skipped, columns, given, needed, size, idle)


def _states(calls: Sequence[Call]) -> list[str]:
    """``live``, ``batch`` (follows from the batch and frozen numbers) or ``constant``."""
    states: list[str] = []
    is_trusted = (
        True  # an array that nobody has seen comes from the batch, as long as nothing lives
    )
    for call in calls:
        kinds = {_state(s, states, is_trusted) for s in call.inputs}
        found = "live" if call.is_live or "live" in kinds else "constant"
        states.append("batch" if found != "live" and "batch" in kinds else found)
        is_trusted = is_trusted and states[-1] != "live"
    return states


def _state(source: Source, states: Sequence[str], is_trusted: bool) -> str:
    if source.kind == "call":
        return states[source.place]
    if source.kind == "opaque":
        return "batch" if is_trusted else "live"
    return {"input": "batch", "frozen": "constant", "live": "live"}[source.kind]


def _made_again(
    calls: Sequence[Call], states: Sequence[str], size: int, wanted: list[Source]
) -> set[int]:
    """What is live, and all that it reads and that cannot be kept row by row."""
    made = {k for k, state in enumerate(states) if state == "live"}
    while True:
        read = [s for s in _read(calls, made, wanted) if s.kind == "call" and s.place not in made]
        more = {s.place for s in read if not _is_row(calls, states, s, size)}
        if not more:
            return made
        made |= more


def _is_row(calls: Sequence[Call], states: Sequence[str], source: Source, size: int) -> bool:
    shape = calls[source.place].outputs[source.output].shape
    return states[source.place] == "batch" and shape[:1] == (size,)


def _read(calls: Sequence[Call], made: Collection[int], wanted: Iterable[Source]) -> set[Source]:
    return {s for k in made for s in calls[k].inputs} | set(wanted)


def _ancestors(calls: Sequence[Call], chosen: set[int]) -> frozenset[int]:
    found: set[int] = set()
    todo = list(chosen)
    while todo:
        k = todo.pop()
        if k not in found:
            found.add(k)
            todo += [s.place for s in calls[k].inputs if s.kind == "call"]
    return frozenset(found)


def _given(
    calls: Sequence[Call], inputs: int, read: set[Source], pinned: Collection[int]
) -> tuple[int, ...]:
    """Inputs that are read by what is made again, or by nothing that was seen."""
    seen = {s.place for call in calls for s in call.inputs if s.kind == "input"}
    again = {s.place for s in read if s.kind == "input"}
    return tuple(i for i in range(inputs) if i in again or i in pinned or i not in seen)


def _is_idle(
    span: Span, calls: Sequence[Call], skipped: frozenset[int], wanted: set[Source]
) -> bool:
    """Whether all that others know of a link's forward is what it returns, and nobody makes it."""
    inside = range(span.start, span.stop)
    outside = [c for k, c in enumerate(calls) if k not in inside]
    seen = {s for call in outside for s in call.inputs} | wanted
    escaping = {s for s in seen if s.kind == "call" and s.place in inside}
    own = all(s.kind == "call" and s.place in inside for s in span.returned)
    return span.is_pure and own and skipped.issuperset(inside) and escaping <= {*span.returned}
