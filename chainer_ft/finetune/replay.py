"""Run a model with a part of its functions left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import chainer
import numpy as np
from chainer import FunctionNode

from chainer_ft.finetune.calls import Plain
from chainer_ft.finetune.computation import Call, Source, Split
from chainer_ft.finetune.forward_only import forward_only
from chainer_ft.finetune.ghosts import CannotReplay, ghost, source_of
from chainer_ft.finetune.tracing import is_same, label_of


class Finished(BaseException):
    """All columns are computed; the rest of the model need not run."""


class _Follower:
    """A listener that follows the calls of a split, one by one."""

    inner = None

    def __init__(self, split: Split) -> None:
        self.split = split
        self.place = 0

    def call(self, function: FunctionNode, inputs: Sequence[Any], plain: Plain) -> tuple[Any, ...]:
        """Make the call, or give what it gave."""
        place, self.place = self.place, self.place + 1
        expected = self._expected(place, function, inputs)
        if self.is_made(place):
            return self.made(place, inputs, plain)
        count = len(expected.outputs)
        return tuple(self._variable(Source("call", place, j)) for j in range(count))

    def _variable(self, source: Source) -> chainer.Variable:
        array = self.array(source, self.split.calls[source.place])
        return chainer.Variable(array, requires_grad=False)

    def is_made(self, place: int) -> bool:
        """Whether a call is made."""
        return place not in self.split.skipped

    def made(self, place: int, inputs: Sequence[Any], plain: Plain) -> tuple[Any, ...]:
        """Make a call."""
        for value in inputs:
            if source_of(value) is not None:
                raise CannotReplay(f"call {place} reads {source_of(value)}, which is not computed")
        return plain()

    def array(self, source: Source, call: Call) -> Any:
        """What a call that is left out gives."""
        output = call.outputs[source.output]
        return ghost(output.shape, output.dtype, source)

    def _expected(self, place: int, function: FunctionNode, inputs: Sequence[Any]) -> Call:
        calls = self.split.calls
        if place >= len(calls) or calls[place].label != label_of(function):
            raise CannotReplay(f"the model calls {label_of(function)} where it did not before")
        for value, before in zip(inputs, calls[place].inputs, strict=False):
            if source_of(value) not in (None, before):
                raise CannotReplay(f"{calls[place].label} reads {source_of(value)}, not {before}")
        return calls[place]


class Computing(_Follower):
    """Makes the calls that the columns need, and no other.

    Attributes:
        columns: The columns, once :class:`Finished` was raised.
    """

    def __init__(self, split: Split) -> None:
        super().__init__(split)
        self.columns: dict[Source, Any] = {}

    def call(self, function: FunctionNode, inputs: Sequence[Any], plain: Plain) -> tuple[Any, ...]:
        """Make the call, without what only a gradient would need."""
        return super().call(function, inputs, lambda: forward_only(function, inputs, plain))

    def is_made(self, place: int) -> bool:
        return place in self.split.needed

    def made(self, place: int, inputs: Sequence[Any], plain: Plain) -> tuple[Any, ...]:
        outputs = super().made(place, inputs, plain)
        for j, variable in enumerate(outputs):
            if Source("call", place, j) in self.split.columns:
                self.columns[Source("call", place, j)] = variable.array
        if place == self.split.last:
            raise Finished
        return outputs


class Attributes:
    """The attributes of a link and of all links below it, as they are now.

    Args:
        link: The link.
    """

    def __init__(self, link: chainer.Link) -> None:
        self._places = [(one.__dict__, dict(one.__dict__)) for one in link.links()]

    @property
    def are_same(self) -> bool:
        """Whether none was set since."""
        return all(is_same(before, now) for now, before in self._places)


class Replaying(_Follower):
    """Gives the columns where they are computed, and makes only the calls that read them.

    Args:
        split: The calls.
        columns: The columns.
        idle: Links that need not run, by identity, as long as their attributes are the same.
    """

    def __init__(
        self, split: Split, columns: Mapping[Source, Any], idle: Mapping[int, Attributes]
    ) -> None:
        super().__init__(split)
        self.columns, self.idle = columns, idle

    def link(self, link: chainer.Link, plain: Callable[[], Any]) -> Any:
        """Run the forward of a link, or give what it gave."""
        span = self.split.spans.get((self.place, id(link)))
        if span is None or not self.idle[id(link)].are_same:
            return plain()
        self.place = span.stop
        made = tuple(self._variable(source) for source in span.returned)
        return made if span.is_tuple else made[0]

    def array(self, source: Source, call: Call) -> Any:
        found = self.columns.get(source)
        return super().array(source, call) if found is None else found

    def finish(self) -> None:
        """See that the model has done all that it did before."""
        if self.place != len(self.split.calls):
            raise CannotReplay(f"the model stopped after {self.place} of {len(self.split.calls)}")


def laid_out(rows: np.ndarray, order: tuple[int, ...], device: Any) -> Any:
    """Rows as the array that a function gave, in the same order in memory.

    Sums over an array depend on its order in memory by their last bits.

    Args:
        rows: ``(batch, ...)``, the other axes in the order ``order`` without the first.
        order: Axes of the wanted array, the slowest in memory first.
        device: Where it is wanted.
    """
    kept = (0, *[axis for axis in order if axis])
    inner = [kept.index(axis) for axis in order]
    array = device.send(np.ascontiguousarray(rows.transpose(inner)))
    return array.transpose(np.argsort(order))


def stored(array: Any, order: Sequence[int]) -> np.ndarray:
    """An array as it is kept: sample by sample, and its other axes in their order in memory."""
    axes = (0, *[axis for axis in order if axis])
    return np.ascontiguousarray(chainer.backend.CpuDevice().send(array).transpose(axes))
