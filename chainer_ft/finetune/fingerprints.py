"""What features depend on, as one key: numbers, inputs, functions and their settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import chainer
import numpy as np

from chainer_ft.finetune.split import CannotSplit
from chainer_ft.links import slots
from chainer_ft.training.digest import digest
from chainer_ft.training.modes import trains
from chainer_ft.training.parameters import tuning_of


def key_of(facts: Any) -> str:
    """A key of plain data, 32 hexadecimal digits.

    Example:
        >>> key_of({"size": 1}) == key_of({"size": 2})
        False
    """
    text = json.dumps(facts, sort_keys=True, default=str)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def of_weights(model: chainer.Link) -> dict[str, str]:
    """Digests of all that is frozen in a model, by path."""
    return {
        slot.path: digest(slot.array)
        for slot in slots(model)
        if slot.array is not None
        and (tuning_of(slot.value).frozen if slot.kind == "param" else not trains(slot.link))
    }


def of_dataset(dataset: Any, rows: int, read: Callable[[int], Any]) -> str:
    """A fingerprint of a dataset.

    Args:
        dataset: It is asked for its ``fingerprint``, a text or a function that gives one, which
            has to change whenever an example does; without it every example is read.
        rows: How many examples there are.
        read: Gives one.
    """
    own = getattr(dataset, "fingerprint", None)
    if own is not None:
        return str(own() if callable(own) else own)
    maker = blake2b(digest_size=16)
    for row in range(rows):
        maker.update(of_example(read(row)).encode())
    return maker.hexdigest()


def of_example(example: Any) -> str:
    """A digest of one example.

    Raises:
        CannotSplit: There is something in it that has no digest.

    Example:
        >>> of_example((np.zeros(2, "f"), 1)) == of_example((np.zeros(2, "f"), 2))
        False
    """
    if isinstance(example, (tuple, list)):
        return "(" + ",".join(map(of_example, example)) + ")"
    if isinstance(example, dict):
        return "{" + ",".join(f"{k!r}:{of_example(v)}" for k, v in example.items()) + "}"
    if isinstance(example, (np.generic, *chainer.get_array_types())):
        return digest(example)
    if isinstance(example, (bool, int, float, str, bytes, type(None))):
        return f"{type(example).__name__} {example!r}"
    raise CannotSplit(
        f"an example holds a {type(example).__name__}, of which nothing says whether it is the "
        "same next time; give the dataset an attribute `fingerprint`"
    )


def settings(function: Any) -> str:
    """The settings of a function that is about to be called, as text: stride, slope, axis."""
    own = getattr(function, "function", function)
    kept = {name: _plain(value) for name, value in vars(own).items()}
    return json.dumps({name: v for name, v in kept.items() if v is not None}, sort_keys=True)


def _plain(value: Any) -> Any:
    """A value as JSON has it; ``None`` for what says nothing of the result."""
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, (slice, np.dtype, type(Ellipsis))):
        return repr(value)
    if isinstance(value, (np.generic, *chainer.get_array_types())):
        return digest(value)
    return None
