"""What the layers of a model get to see, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import chainer
import numpy as np

from chainer_ft.errors import UsageError
from chainer_ft.links import named_links

#: Numbers a sample that a probe gets at most; maps are averaged over a grid.
_MOST_FEATURES = 2048
_GRIDS = (4, 2, 1)


@dataclass(frozen=True)
class Depth:
    """A place between two layers.

    Args:
        after: The layer below it; empty at the input.
        before: The layer that reads it.
        shape: Of what it reads, without the batch.
    """

    after: str
    before: str
    shape: tuple[int, ...]


class _Inputs(chainer.LinkHook):  # type: ignore[misc]
    """Notes what each link is called with, and in how many others."""

    name = "chainer_ft_inputs"

    def __init__(self) -> None:
        self.calls: list[tuple[int, chainer.Link, Any]] = []
        self._inside = 0

    def forward_preprocess(self, args: Any) -> None:
        values = [*args.args, *args.kwargs.values()]
        value = next((v for v in values if hasattr(v, "shape") and len(v.shape) > 1), None)
        self.calls.append((self._inside, args.link, value))
        self._inside += 1

    def forward_postprocess(self, args: Any) -> None:
        self._inside -= 1


def depths(model: chainer.Link, x: Any, most: int = 12) -> tuple[Depth, ...]:
    """The places between the layers of a model, from the input to the head.

    A layer is whatever with parameters the model itself calls: a link, or a block.

    Args:
        model: Called with ``x``.
        x: A batch.
        most: How many are wanted; the last, which the head reads, is always among them.

    Raises:
        UsageError: It calls no links with parameters.

    Example:
        >>> L = chainer.links
        >>> net = chainer.Sequential(L.Linear(3, 4), chainer.functions.relu, L.Linear(4, 2))
        >>> [(d.after, d.before) for d in depths(net, np.zeros((1, 3), "f"))]
        [('', '/0'), ('/0', '/1')]
    """
    calls = _layers(model, _called(model, x))
    if not calls:
        raise UsageError(f"{type(model).__name__} calls no links with parameters: nothing to probe")
    befores = [path for path, _ in calls]
    found = [
        Depth(after, before, tuple(value.shape[1:]))
        for after, (before, value) in zip(["", *befores], calls, strict=False)
    ]
    chosen = np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))
    return tuple(found[i] for i in chosen)


def features(
    model: chainer.Link, batches: Iterable[Any], places: Iterable[Depth]
) -> dict[Depth, np.ndarray]:
    """What is read at several depths, of each sample.

    Args:
        model: Called in test mode, without backprop.
        batches: Arrays on the model's device.
        places: The depths.

    Returns:
        dict: (n, features) float32 by depth; maps are averaged over a grid of at most 4x4.
    """
    places = tuple(places)
    found: dict[Depth, list[np.ndarray]] = {place: [] for place in places}
    for x in batches:
        seen = dict(reversed(_layers(model, _called(model, x))))
        for place in places:
            found[place].append(_flat(seen[place.before]))
    return {place: np.concatenate(parts) for place, parts in found.items()}


def _called(model: chainer.Link, x: Any) -> list[tuple[int, chainer.Link, Any]]:
    with chainer.using_config("train", False), chainer.no_backprop_mode(), _Inputs() as hook:
        model(x)
    calls: list[tuple[int, chainer.Link, Any]] = hook.calls
    return calls


def _layers(
    model: chainer.Link, calls: list[tuple[int, chainer.Link, Any]]
) -> list[tuple[str, Any]]:
    """Layers in the order of their first call, with their input: the outermost that are several."""
    paths = {id(link): path for path, link in named_links(model)}
    by_level: dict[int, dict[str, Any]] = {}
    for level, link, value in calls:
        if value is not None and id(link) in paths and any(True for _ in link.params()):
            by_level.setdefault(level, {}).setdefault(paths[id(link)], value)
    levels = [found for _, found in sorted(by_level.items())]
    several = [found for found in levels if len(found) > 1] or levels[-1:]
    return list(several[0].items()) if several else []


def _flat(value: Any) -> np.ndarray:
    """(n, features): maps as means over a grid, so that they are not too many."""
    array = chainer.backend.CpuDevice().send(getattr(value, "array", value))
    if array.ndim < 3:
        return np.asarray(array, np.float32).reshape(len(array), -1)
    grid = next((g for g in _GRIDS if array.shape[1] * g ** (array.ndim - 2) <= _MOST_FEATURES), 1)
    for axis in range(2, array.ndim):
        array = np.stack(list(_means(array, axis, grid)), axis)
    return np.asarray(array, np.float32).reshape(len(array), -1)


def _means(array: np.ndarray, axis: int, grid: int) -> Iterator[np.ndarray]:
    size = array.shape[axis]
    for i in range(min(grid, size)):
        part = range(i * size // min(grid, size), -(-(i + 1) * size // min(grid, size)))
        yield array.take(part, axis).mean(axis)
