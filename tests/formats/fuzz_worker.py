"""One fuzzing run, in a process of its own: ``fuzz_worker.py FORMAT FIRST COUNT FOLDER``.

Prints one JSON line. A hang or a memory hog ends the process; ``FOLDER/case`` then names the
input, and ``FOLDER/input`` is it.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import mutations as mu
import numpy as np

from chainer_ft.errors import ChainerFTError, UnsafeError
from chainer_ft.formats import hdf5, npz
from chainer_ft.types import Entry, Listing, Source, SourceLoader

SECONDS, MEMORY = 2.0, 256 << 20


class Model(Source):
    """A small model in memory."""

    name = "model"

    def __init__(self, seed: int, prefix: str = "") -> None:
        rng = np.random.default_rng(seed)
        self._arrays = {
            f"{prefix}/conv1/W": rng.standard_normal((4, 3, 2, 2)).astype("f4"),
            f"{prefix}/conv1/b": rng.standard_normal(4).astype("f2"),
            f"{prefix}/bn/gamma": rng.standard_normal(4),
            f"{prefix}/bn/N": np.asarray(rng.integers(99)),
            f"{prefix}/fc/W": rng.integers(255, size=300).astype("u1").reshape(20, 15),
            f"{prefix}/fc/b": None,
        }
        if prefix:
            state = {
                "updater/optimizer:main/fc/W/m": rng.standard_normal(3),
                "iteration": np.array(7),
            }
            self._arrays |= {f"/{path}": array for path, array in state.items()}

    @property
    def listing(self) -> Listing:
        made = (
            Entry(p, None, None) if a is None else Entry(p, a.shape, a.dtype)
            for p, a in self._arrays.items()
        )
        return Listing(tuple(made))

    def read(self, path: str) -> np.ndarray:
        return self._arrays[path]


def bases(form: str, folder: Path) -> tuple[SourceLoader, list[bytes], list[mu.Mutation]]:
    """Loader, two whole files, and the ways to spoil them."""
    prefix = "/updater/model:main" if form == "snapshot" else ""
    made = []
    for seed in (1, 2):
        saver = hdf5.save if form == "hdf5" else npz.save
        saver(str(folder / "base"), Model(seed, prefix), provenance={"n": seed},
              compress=form == "npz-compressed")  # fmt: skip
        made.append((folder / "base").read_bytes())
    common = [mu.cut, mu.flip_bit, mu.set_bytes, mu.hostile_number, mu.move, mu.splice(made[1])]
    if form == "hdf5":
        return hdf5.LOADER, made, common
    return npz.LOADER, made, [*common, mu.zip_field, mu.zip_field, mu.npy_header, mu.npy_bytes]


class Fuzz:
    """Feeds spoilt files to a loader and looks at what comes back."""

    def __init__(self, form: str, folder: Path) -> None:
        self.form, self.folder = form, folder
        self.loader, self.bases, self.ways = bases(form, folder)
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.slowest = 0.0

    def run(self, case: int) -> None:
        rng = np.random.default_rng(case)
        way = self.ways[rng.integers(len(self.ways))]
        data = way(self.bases[0], rng)
        file = self.folder / "input"
        file.write_bytes(data)
        (self.folder / "case").write_text(f"{case} ({way.__name__})")
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of computing: the machine may be shared
        signal.setitimer(signal.ITIMER_REAL, 30 * SECONDS)
        began = time.process_time()
        try:
            self._open(file, data, rebuilt=way in (mu.npy_header, mu.npy_bytes))
            self.seen["opened"] += 1
        except ChainerFTError as error:
            self.seen[type(error).__name__] += 1
            if not str(error).startswith(str(file)) or "more memory" in str(error):
                self.wrong.append(f"{case} ({way.__name__}): {error}")
        except Exception as error:
            self.wrong.append(f"{case} ({way.__name__}): {type(error).__name__}: {error}")
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.slowest = max(self.slowest, time.process_time() - began)

    def _open(self, file: Path, data: bytes, rebuilt: bool) -> None:
        if not self.loader.detect(data[:4096], str(file)):
            self.seen["not detected"] += 1
        with self.loader.open(str(file)) as source:
            damage: ChainerFTError | None = None
            for entry in source.listing:
                try:
                    array = source.read(entry.path)
                    blocks = b"".join(block.tobytes() for block in source.blocks(entry.path))
                except ChainerFTError as error:
                    damage = error
                    continue
                assert (array.shape, array.dtype) == (entry.shape, entry.dtype)
                assert blocks == array.tobytes()
                if self.form != "hdf5":  # which has no checksums
                    self._check(entry.path, array, rebuilt, file)
            if damage is not None and not isinstance(damage, UnsafeError):
                raise damage

    def _check(self, path: str, array: np.ndarray, rebuilt: bool, file: Path) -> None:
        """A zip's checksums protect numbers: right ones, or none."""
        if rebuilt:
            with np.load(file) as loaded:
                names = [n for n in loaded.files if f"/{n.strip('/')}".endswith(path)]
                known = [loaded[name] for name in names]
        else:
            models = [Model(seed, p) for seed in (1, 2) for p in ("", "/updater/model:main")]
            known = [a for m in models for p, a in m._arrays.items() if p.endswith(path)]
        assert any(
            a is not None
            and (a.dtype, a.shape, a.tobytes()) == (array.dtype, array.shape, array.tobytes())
            for a in known
        ), f"{path} came back wrong"


def main(form: str, first: str, count: str, folder: str) -> None:
    warnings.simplefilter("error")
    np.load  # noqa: B018  imported before memory is limited
    fuzz = Fuzz(form, Path(folder))
    fuzz.run(int(first))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for case in range(int(first) + 1, int(first) + int(count)):
        fuzz.run(case)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used) / 1024
    print(json.dumps({"seen": fuzz.seen, "wrong": fuzz.wrong[:20], "wrongs": len(fuzz.wrong),
                      "slowest": fuzz.slowest, "grown_mb": grown}))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
