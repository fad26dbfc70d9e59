"""The truth files beside what real Chainer wrote: paths, kinds and arrays of every model."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SNAPSHOT_MODEL = "updater/model:main"


@dataclass(frozen=True)
class Model:
    """One file and the stem of its truth."""

    file: Path
    truth: str

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.name}"


@dataclass(frozen=True)
class Truth:
    """What one entry is.

    Args:
        kind: ``param`` or ``persistent``.
        array: Its array; ``None`` where it has none that may be read.
        is_none: Whether it is ``None`` or not initialised.
        is_number: Whether it is a Python number, whose width no file format promises.
    """

    kind: str
    array: np.ndarray | None
    is_none: bool = False
    is_number: bool = False


def models(legacy: Path, *kinds: str) -> Iterator[Model]:
    """Every model file of these kinds, with a truth beside it."""
    for manifest in sorted(legacy.glob("*-py*/MANIFEST.json")):
        for name, facts in json.loads(manifest.read_text())["files"].items():
            truth = facts.get("truth")
            if name.startswith(("snapshot_iter", "trainer_model")):
                truth = truth or "trainer_clf"
            if truth and facts["kind"] in kinds and (manifest.parent / name).stat().st_size:
                yield Model(manifest.parent / name, truth)


def files(legacy: Path, kind: str) -> list[Path]:
    """Every file of one kind."""
    return [
        manifest.parent / name
        for manifest in sorted(legacy.glob("*-py*/MANIFEST.json"))
        for name, facts in json.loads(manifest.read_text())["files"].items()
        if facts["kind"] == kind
    ]


def expected(model: Model) -> dict[str, Truth]:
    """Truth by path."""
    folder = model.file.parent
    facts = json.loads((folder / f"{model.truth}.truth.json").read_text())
    with np.load(folder / f"{model.truth}.truth.npz") as arrays:
        found = {path: _truth(fact, arrays) for path, fact in facts["entries"].items()}
    return found | {path: Truth("param", None, is_none=True) for path in facts["uninitialized"]}


def _truth(fact: dict[str, Any], arrays: Any) -> Truth:
    kind, py = fact["kind"], fact["py"]
    if "npz_key" in fact:
        return Truth(kind, arrays[fact["npz_key"]])
    if py == "NoneType":
        return Truth(kind, None, is_none=True)
    if "value" in fact:
        value = float.fromhex(fact["value"]) if py == "float" else ast.literal_eval(fact["value"])
        return Truth(kind, np.asarray(value), is_number=True)
    if py in ("str", "unicode", "bytes"):
        value = bytes.fromhex(fact["hex"]) if "hex" in fact else fact["text"]
        return Truth(kind, np.asarray(value))
    if py == "tuple":  # NumPy makes one array of strings of it
        return Truth(kind, np.asarray(ast.literal_eval(fact["repr"])))
    return Truth(kind, None)
