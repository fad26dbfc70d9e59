"""A computation as a value: calls of functions, and where they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["input", "call", "frozen", "live", "opaque"]


class Source(NamedTuple):
    """Where an array comes from.

    Args:
        kind: ``input`` of the batch; output of a ``call``; a ``frozen`` or ``live`` array of the
            model; ``opaque`` for one that nobody has seen before.
        place: Which input or call.
        output: Which output of the call.
    """

    kind: Kind
    place: int = -1
    output: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.place}" if self.place >= 0 else self.kind


@dataclass(frozen=True)
class Output:
    """An output of a function.

    Args:
        shape: Its shape, the batch included.
        dtype: Its dtype, as text.
        order: Its axes from the slowest to the fastest in memory.
    """

    shape: tuple[int, ...]
    dtype: str
    order: tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """One call of one of Chainer's functions.

    Args:
        label: Its name.
        inputs: Where its inputs come from.
        outputs: What it gives.
        is_live: Whether it gives something else each time: random numbers, batch statistics.
        settings: What else its outputs depend on, as text.
    """

    label: str
    inputs: tuple[Source, ...]
    outputs: tuple[Output, ...]
    is_live: bool = False
    settings: str = ""


@dataclass(frozen=True)
class Span:
    """The calls that a link makes in one forward.

    Args:
        start: The first of them.
        stop: The one behind the last.
        returned: Where what it returns comes from.
        is_tuple: Whether it returns a tuple.
        is_pure: Whether it does nothing else that was seen: sets no attribute, draws nothing.
    """

    start: int
    stop: int
    returned: tuple[Source, ...]
    is_tuple: bool = False
    is_pure: bool = True


@dataclass(frozen=True)
class Split:
    """A computation in two parts.

    Args:
        calls: All of it, in order.
        skipped: Calls that need not be made again.
        columns: Outputs of these that the other calls read: what is kept of each sample.
        given: Inputs that the other calls, or the model's own code, read.
        needed: Calls that have to be made to get the columns.
        size: Samples in the batch.
        spans: Links that need not run, by their first call and their identity.
    """

    calls: tuple[Call, ...]
    skipped: frozenset[int]
    columns: tuple[Source, ...]
    given: tuple[int, ...]
    needed: frozenset[int]
    size: int
    spans: Mapping[tuple[int, int], Span] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The last call that is needed for the columns."""
        return max(self.needed)

    def output(self, source: Source) -> Output:
        """What an output of a call is like."""
        return self.calls[source.place].outputs[source.output]
