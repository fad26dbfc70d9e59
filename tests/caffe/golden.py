"""What real Caffe computed: inputs, outputs, gradients, for many layers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).resolve().parents[3] / "shared/caffe/golden"
FILE = GOLDEN / "layers.json"
CASES: dict[str, Any] = json.loads(FILE.read_text()) if FILE.is_file() else {}


@cache
def arrays() -> dict[str, np.ndarray]:
    """All arrays of ``layers.npz``."""
    with np.load(GOLDEN / "layers.npz") as file:
        return dict(file)


def steps(case: str) -> list[str]:
    """The steps of a case: how often it ran."""
    return sorted({key.split("|")[1] for key in arrays() if key.startswith(f"{case}|")} - {"w"})


def named(prefix: str) -> dict[str, np.ndarray]:
    """The arrays below a prefix, by the rest of their keys."""
    return {key.removeprefix(prefix): a for key, a in arrays().items() if key.startswith(prefix)}
