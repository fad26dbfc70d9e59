"""What Caffe does not keep in a snapshot: where the data stood, and the seed.

Caffe begins with the first record and other random numbers when it resumes. A file beside the
snapshot, ``NAME.solverstate.json``, lets a run go on as if it had never stopped; without it, as
after a snapshot of Caffe's own, data begin again as in Caffe.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from chainer_ft.errors import FormatError
from chainer_ft.formats.atomic import replacing

SUFFIX = ".json"
_SCHEMA = "chainer-ft/caffe-positions/1"


@dataclass(frozen=True)
class Positions:
    """Where a run stands.

    Args:
        iter: Number of updates done, as in the snapshot.
        seed: Of all random numbers.
        train: Batches that each data layer has given.
        test: The same for each test net.
        smoothing: Where the running mean of the loss stood.
    """

    iter: int
    seed: int
    train: Mapping[str, int] = field(default_factory=dict)
    test: Sequence[Mapping[str, int]] = ()
    smoothing: Mapping[str, Any] = field(default_factory=dict)


def write_positions(snapshot: str, positions: Positions) -> None:
    """Write the file beside a snapshot."""
    with replacing(snapshot + SUFFIX) as temporary, open(temporary, "w", encoding="utf-8") as file:
        json.dump({"schema": _SCHEMA, **asdict(positions)}, file, indent=1)
        file.write("\n")


def read_positions(snapshot: str) -> Positions | None:
    """Read the file beside a snapshot; ``None`` where there is none.

    Raises:
        FormatError: It is damaged.
    """
    path = snapshot + SUFFIX
    if not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return _checked(json.load(file))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(
            f"{path}: cannot be read ({error or type(error).__name__}); remove it to resume as "
            "Caffe does, with the first record"
        ) from error


def _checked(data: Any) -> Positions:
    if data["schema"] != _SCHEMA:
        raise ValueError(f"its schema is {data['schema']!r}, not {_SCHEMA!r}")
    test = tuple(_counts(one) for one in data["test"])
    train, smoothing = _counts(data["train"]), _smoothing(data["smoothing"])
    return Positions(_count(data["iter"]), _count(data["seed"]), train, test, smoothing)


def _smoothing(data: Any) -> dict[str, Any]:
    if not data:
        return {}
    losses = [float(loss) for loss in data["losses"]]
    return {"start": _count(data["start"]), "losses": losses, "value": float(data["value"])}


def _counts(data: Any) -> dict[str, int]:
    return {str(name): _count(value) for name, value in dict(data).items()}


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
