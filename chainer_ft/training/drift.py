"""How far each layer is from where it began."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import chainer

from chainer_ft.errors import RuleError
from chainer_ft.links import Slot, named_links, slots
from chainer_ft.report.table import shape_text
from chainer_ft.select import nearest

#: Arrays by path of the parameter.
Start = dict[str, Any]


def arrays_of(model: chainer.Link) -> Start:
    """Copies of all parameters that have an array, each on its own device."""
    return {slot.path: slot.array.copy() for slot in _with_arrays(model)}


def place_of(part: chainer.Link | None, model: chainer.Link) -> str:
    """Where a link stands in a model (``/predictor``); empty for the model itself, and others."""
    places = (path for path, link in named_links(model) if link is part)
    return next(places, "").rstrip("/")


def checked(start: Mapping[str, Any], model: chainer.Link, place: str = "") -> Start:
    """Arrays by path that are those of a model, in part at least.

    Args:
        start: Arrays by path.
        model: The model.
        place: What their paths begin with in the model.

    Raises:
        RuleError: A path is not in the model, or its shape is another.
    """
    known = {slot.path: slot.array for slot in slots(model) if slot.kind == "param"}
    placed = {place + path: array for path, array in start.items()}
    for path, array in placed.items():
        if path not in known:
            raise RuleError(f"{path}: the model has no such parameter; {nearest(path, [*known])}")
        now = known[path]
        if now is not None and now.shape != array.shape:
            raise RuleError(
                f"{path}: {shape_text(array.shape)} at the start, {shape_text(now.shape)} in the "
                "model; give the start of this model"
            )
    return placed


def drift(model: chainer.Link, start: Start) -> dict[str, float]:
    """Relative distance of each layer, and of all of them, from the start.

    ``|w - w0| / |w0|`` over all parameters of a link, biases too (Frobenius norm, in double
    precision). Of a layer that began as zeros it is ``|w|``.

    Args:
        model: The model now.
        start: Its arrays then. A parameter that had none is added as it is now: 0.

    Returns:
        dict: By path of the link; the last entry, with the key ``""``, is the whole model.

    Example:
        >>> import chainer, numpy as np
        >>> model = chainer.Chain(fc=chainer.links.Linear(1, 2, initialW=2, initial_bias=1))
        >>> start = arrays_of(model)
        >>> model.fc.W.array += 1
        >>> drift(model, start)
        {'/fc': 0.447..., '': 0.447...}
    """
    sums: dict[str, tuple[float, float]] = {}
    for slot in _with_arrays(model):
        if slot.path not in start:
            start[slot.path] = slot.array.copy()
        moved, size = _squares(slot.value, start[slot.path])
        for layer in (slot.path.rpartition("/")[0] or "/", ""):
            total = sums.get(layer, (0.0, 0.0))
            sums[layer] = total[0] + moved, total[1] + size
    whole = sums.pop("", (0.0, 0.0))
    return {layer: _ratio(*pair) for layer, pair in [*sums.items(), ("", whole)]}


def _with_arrays(model: chainer.Link) -> Iterator[Slot]:
    """Each parameter once, also where it stands in the model twice."""
    seen = set()
    for slot in slots(model):
        if slot.kind == "param" and slot.array is not None and id(slot.value) not in seen:
            seen.add(id(slot.value))
            yield slot


def _squares(param: chainer.Parameter, before: Any) -> tuple[float, float]:
    """Squared distance of a parameter, and its squared size at the start."""
    with chainer.using_device(param.device):
        start = param.device.send(before).astype("d")
        moved = param.array - start
        # no dot product: of equal numbers it differs by where they lie, and a resumed run with it
        moved *= moved
        start *= start
        return float(moved.sum()), float(start.sum())


def _ratio(moved: float, size: float) -> float:
    return math.sqrt(moved / size) if size else math.sqrt(moved)
