"""Watch a model compute, and note what each of its functions reads."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import chainer
import numpy as np
from chainer import FunctionNode
from chainer.functions.normalization import batch_normalization

from chainer_ft.finetune.calls import Plain
from chainer_ft.finetune.computation import Call, Output, Source, Span
from chainer_ft.finetune.fingerprints import settings
from chainer_ft.links import slots
from chainer_ft.training.digest import digest
from chainer_ft.training.modes import trains
from chainer_ft.training.parameters import tuning_of

_NOISE = "chainer.functions.noise."
#: Their outputs depend on which samples are in the batch, and they move statistics.
_OF_THE_BATCH = (batch_normalization.BatchNormalization,)


class Trace:
    """A listener that notes every call; nothing is changed.

    Args:
        model: The link whose parameters count.
        inputs: The arrays of the batch.

    Attributes:
        calls: What was called.
        arrays: What each call gave.
        spans: What each link did, by its first call and its identity.
        links: The links, by identity.
    """

    def __init__(self, model: chainer.Link, inputs: Sequence[Any]) -> None:
        self.calls: list[Call] = []
        self.arrays: dict[Source, Any] = {}
        self.spans: dict[tuple[int, int], Span] = {}
        self.links: dict[int, chainer.Link] = {}
        self.inner = _Inner()
        self._sources: dict[int, Source] = {}
        self._kept: list[Any] = []  # an array that is gone would lend its id to another
        self._random = random_state()
        for slot in slots(model):
            if slot.array is not None:
                still = _is_frozen(slot.value) if slot.kind == "param" else not trains(slot.link)
                self._note(slot.array, Source("frozen" if still else "live"))
        for i, array in enumerate(inputs):
            self._note(array, Source("input", i))

    def call(self, function: FunctionNode, inputs: Sequence[Any], plain: Plain) -> tuple[Any, ...]:
        """Note one call."""
        sources = tuple(map(self.source, inputs))
        before, said = random_state(), self._settings(function, inputs)
        self.inner.is_live = False
        made = plain()
        live = self.inner.is_live or is_live(function) or random_state() != before
        if before != self._random:  # the model's own code has drawn: what it passes on is random
            live = live or any(s.kind == "opaque" for s in sources)
        place = len(self.calls)
        for j, variable in enumerate(made):
            self.arrays[Source("call", place, j)] = variable.array
            self._note(variable.array, Source("call", place, j))
        outputs = tuple(_output(variable.array) for variable in made)
        self.calls.append(Call(label_of(function), sources, outputs, live, said))
        return made

    def link(self, link: chainer.Link, plain: Callable[[], Any]) -> Any:
        """Note what the forward of a link does."""
        start, before, drawn = len(self.calls), dict(link.__dict__), random_state()
        result = plain()
        is_tuple = isinstance(result, tuple)
        values = result if is_tuple else (result,)
        inside = [s for (k, _), s in self.spans.items() if start <= k]
        pure = all(s.is_pure for s in inside) and drawn == random_state()
        pure = pure and is_same(before, link.__dict__)
        pure = pure and all(isinstance(value, chainer.Variable) for value in values)
        returned = tuple(self.source(value) for value in values)
        span = Span(start, len(self.calls), returned, is_tuple, pure)
        self.spans[(start, id(link))] = span
        self.links[id(link)] = link
        return result

    def source(self, value: Any) -> Source:
        """Where an array or Variable comes from."""
        if isinstance(value, chainer.Parameter):
            return Source("frozen" if _is_frozen(value) else "live")
        array = getattr(value, "array", value)
        return self._sources.get(id(array), Source("opaque"))

    def _settings(self, function: FunctionNode, inputs: Sequence[Any]) -> str:
        """Its settings, and the arrays that come from nowhere (a mean image in the model)."""
        unseen = [v for v in inputs if self.source(v).kind == "opaque"]
        return "\n".join([settings(function), *(digest(getattr(v, "array", v)) for v in unseen)])

    def _note(self, array: Any, source: Source) -> None:
        self._sources[id(array)] = source
        self._kept.append(array)


class _Inner:
    """Told of what a function calls in turn (F.forget): what lives in there makes it live."""

    is_live = False

    def call(self, function: FunctionNode, inputs: Sequence[Any], plain: Plain) -> tuple[Any, ...]:
        self.is_live = self.is_live or is_live(function)
        for value in inputs:
            if isinstance(value, chainer.Parameter) and not _is_frozen(value):
                self.is_live = True
        return plain()


def is_live(function: FunctionNode) -> bool:
    """Whether a function gives something else each time that it is called."""
    own = getattr(function, "function", function)  # a Function of Chainer 2 in its adapter
    return type(own).__module__.startswith(_NOISE) or isinstance(own, _OF_THE_BATCH)


def label_of(function: FunctionNode) -> str:
    """Name of a function, the same in each pass."""
    own = getattr(function, "function", function)
    return f"{type(own).__module__}.{type(own).__qualname__}"


def random_state() -> tuple[Any, ...]:
    """Something that is equal as long as nobody has drawn a random number on the CPU."""
    state: Any = np.random.get_state(legacy=True)
    return state[1].tobytes(), state[2:], random.getstate()


def is_same(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether the same names refer to the same objects."""
    return len(before) == len(now) and all(now.get(name) is before[name] for name in before)


def _is_frozen(param: chainer.Parameter) -> bool:
    return tuning_of(param).frozen


def _output(array: Any) -> Output:
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    return Output(tuple(array.shape), np.dtype(array.dtype).str, tuple(order))
