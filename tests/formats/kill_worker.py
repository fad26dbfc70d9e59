"""Kills writers: ``kill_worker.py SUFFIX KILLS FOLDER``. Exits with 1 and a sentence on damage.

Each writer is a fork that saves one model after the other over the same file, every number of
which is the model's own; it is killed after a random while. What stands under the name must
then be one whole model, and none older than the last whose save returned.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

import chainer_ft as ft
from chainer_ft.types import Entry, Listing, Source


class Filled(Source):
    """A model of one number."""

    name = "filled"

    def __init__(self, number: int) -> None:
        self._number = number

    @property
    def listing(self) -> Listing:
        f4 = np.dtype("f4")
        return Listing(tuple(Entry(f"/fc{i}/W", (100, 200), f4) for i in range(5)))

    def read(self, path: str) -> np.ndarray:
        return np.full((100, 200), self._number, "f4")


def write_for_ever(file: Path, first: int, pipe: int) -> None:
    number = first
    while True:
        ft.save(file, Filled(number))
        os.write(pipe, number.to_bytes(8, "little"))
        number += 1


def number_in(file: Path) -> int:
    with ft.open(file) as source:
        assert len(source.listing) == 5
        numbers = {float(n) for e in source.listing for n in np.unique(source.read(e.path))}
    assert len(numbers) == 1, f"a mixture: {numbers}"
    return int(numbers.pop())


def kill_one(file: Path, first: int, wait: float) -> int:
    """Returns the number that stands in the file afterwards."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        write_for_ever(file, first, writing)
    os.close(writing)
    time.sleep(wait)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        returned = pipe.read()
    last = int.from_bytes(returned[-8:], "little") if returned else first - 1
    found = number_in(file)
    assert last <= found <= last + 1, f"{found} is in the file, {last} was saved"
    return found


def main(suffix: str, kills: str, folder: str) -> None:
    file = Path(folder) / f"model{suffix}"
    ft.save(file, Filled(0))
    number_in(file)  # everything is imported before the first fork
    began = time.perf_counter()
    for _ in range(5):
        ft.save(file, Filled(0))
    one_save = (time.perf_counter() - began) / 5
    rng = np.random.default_rng(0)
    number = 0
    for _ in range(int(kills)):
        number = kill_one(file, number + 1, float(rng.uniform(0, 8 * one_save)))
    others = [p.name for p in Path(folder).iterdir() if p != file]
    assert all(n.startswith(f".{file.name}.") and n.endswith(".part") for n in others), others
    print(number, len(others))


if __name__ == "__main__":
    main(*sys.argv[1:])
