"""The figures: what is measured, against what, and what is to be reached."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measuring import CHAINER_FT, Runs, interleaved, job


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Args:
        what: What was measured.
        here: chainer_ft, as text with its unit.
        today: What people use today, as text.
        value: The number that the goal is about.
        goal: The most that it may be; ``None`` where nothing is promised.
        unit: Of both: ``s``, or ``x`` and what it is a multiple of.
    """

    what: str
    here: str
    today: str
    value: float
    goal: float | None = None
    unit: str = "s"

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached."""
        return None if self.goal is None else self.value <= self.goal


@dataclass(frozen=True)
class Setting:
    """How large and how often.

    Args:
        folder: Where the large files go.
        shrink: Divides the widths of VGG-19.
        rounds: Runs of each command.
        entries: Arrays of each of the two nets that are planned.
        device: Where training is measured.
    """

    folder: Path
    shrink: int = 1
    rounds: int = 5
    entries: int = 10_000
    device: str = "@numpy"

    @property
    def model(self) -> Path:
        return self.folder / "vgg19.caffemodel"

    @property
    def size(self) -> int:
        return self.model.stat().st_size


def measure(setting: Setting) -> Iterator[Figure]:
    """All figures, one after the other."""
    interleaved({"generate": job("generate", setting.model, setting.shrink)}, 1)
    yield from reading(setting)
    yield from copying(setting)
    yield from pickles(setting)
    yield from models(setting)
    yield from starting(setting)
    yield from planning(setting)


def reading(setting: Setting) -> Iterator[Figure]:
    """Listing and reading a .caffemodel."""
    names = ("listing", "read", "buffer")
    runs = interleaved({n: job(n, setting.model) for n in names}, setting.rounds)
    slow = interleaved({"c": job("caffe_function", setting.model)}, min(setting.rounds, 3))["c"]
    today = f"`CaffeFunction` {_s(slow)}"
    what = f"`.caffemodel`, {setting.size / 1e6:,.0f} MB: "
    yield Figure(what + "listing", _s(runs["listing"]), today, runs["listing"].seconds, 0.05)
    ratio = runs["read"].times(runs["buffer"])
    unit = "x reading the file into a buffer"
    yield Figure(
        "... every array in memory", f"{_s(runs['read'])}, {ratio:.1f}x", today, ratio, 2.0, unit
    )
    memory = runs["read"].extra / setting.size
    today = f"`CaffeFunction` {slow.extra / setting.size:.1f}x"
    yield Figure("... memory for that", f"{memory:.2f}x", today, memory, 1.1, "x the file")


def copying(setting: Setting) -> Iterator[Figure]:
    """The whole process of ``chainer-ft copy``, against ``cp``."""
    out = [setting.folder / name for name in ("cp.caffemodel", "out.npz")]
    cp = ["cp", str(setting.model), str(out[0])]
    commands = {
        "copy": [*CHAINER_FT, "copy", str(setting.model), str(out[1])],
        "cp": cp,
        "cp, sync": ["sh", "-c", 'cp "$1" "$2" && sync "$2"', *cp],
    }
    runs = interleaved(commands, setting.rounds, out)
    ratio, memory = runs["copy"].times(runs["cp"]), runs["copy"].peak / setting.size
    today = f"`cp` {_s(runs['cp'])}, with `sync` {_s(runs['cp, sync'])}"
    what = "`chainer-ft copy X.caffemodel out.npz`"
    synced = runs["copy"].times(runs["cp, sync"])
    here = f"{_s(runs['copy'])}, {ratio:.1f}x; {synced:.1f}x `cp` with `sync`"
    yield Figure(what, here, today, ratio, 3.0, "x `cp`")
    peak = f"{runs['copy'].peak / 1e6:.0f} MB, {memory:.2f}x"
    yield Figure("... its peak memory", peak, "-", memory, 1.3, "x the file")
    out[0].unlink()


def pickles(setting: Setting) -> Iterator[Figure]:
    """Listing and reading a pickled VGG-19, against ``pickle.load`` where that still works."""
    file = setting.folder / "vgg19.pkl"
    interleaved({"dump": job("dump", file, setting.shrink)}, 1)
    commands = {name: job(name, file) for name in ("listing", "read", "load_pickle")}
    runs = interleaved(commands, setting.rounds)
    size, today = file.stat().st_size, f"`pickle.load` {_s(runs['load_pickle'])}"
    seconds = runs["listing"].seconds
    what = f"a pickled VGG-19, {size / 1e6:,.0f} MB: listing"
    yield Figure(what, _s(runs["listing"]), today, seconds, 0.05)
    ratio = runs["read"].times(runs["load_pickle"])
    here = f"{_s(runs['read'])}, {ratio:.2f}x"
    yield Figure("... every array in memory", here, today, ratio, 0.5, "x `pickle.load`")
    memory = runs["read"].extra / size
    yield Figure("... memory for that", f"{memory:.2f}x", "-", memory, 1.1, "x the file")
    file.unlink()


def models(setting: Setting) -> Iterator[Figure]:
    """Saving and loading the same net as an npz, against Chainer's own."""
    shrink, ours, theirs = setting.shrink, setting.folder / "ours.npz", setting.folder / "own.npz"
    saves = {
        "ours": job("save", ours, shrink),
        "plain": job("save_npz", theirs, shrink, "plain"),
        "compressed": job("save_npz", setting.folder / "small.npz", shrink, "compressed"),
    }
    runs = interleaved(saves, min(setting.rounds, 3))
    ratio = runs["ours"].times(runs["plain"])
    today = f"`save_npz` {_s(runs['compressed'])} as it is, {_s(runs['plain'])} uncompressed"
    here = f"{_s(runs['ours'])}, {ratio:.1f}x uncompressed `save_npz`"
    yield Figure("a VGG-19 into an `.npz`", here, today, ratio)
    loads = {"ours": job("copy", ours, shrink), "own": job("load_npz", ours, shrink)}
    runs = interleaved(loads, setting.rounds)
    ratio = runs["ours"].times(runs["own"])
    here = f"{_s(runs['ours'])}, {ratio:.1f}x"
    yield Figure("an `.npz` into a VGG-19", here, f"`load_npz` {_s(runs['own'])}", ratio)


def starting(setting: Setting) -> Iterator[Figure]:
    """Start-up."""
    verbs = ("--help", "plugins")
    commands = {verb: [*CHAINER_FT, verb] for verb in verbs}
    commands["python"] = [sys.executable, "-c", ""]
    commands["numpy"] = [sys.executable, "-c", "import numpy"]
    runs = interleaved(commands, 2 * setting.rounds)
    today = f"`import numpy` {_s(runs['numpy'])}, Python itself {_s(runs['python'])}"
    for verb in verbs:
        yield Figure(f"`chainer-ft {verb}`", _s(runs[verb]), today, runs[verb].seconds, 0.3)


def planning(setting: Setting) -> Iterator[Figure]:
    """Plans of two large nets."""
    policies = ("name", "shape")
    runs = interleaved({p: job("plan", p, setting.entries) for p in policies}, setting.rounds)
    for policy, found in runs.items():
        what = f"plan, two nets of {setting.entries:,} arrays, `{policy}`"
        yield Figure(what, _s(found), "-", found.seconds, 2.0)


def _s(runs: Runs) -> str:
    return f"{runs.seconds:.3f} s" if runs.seconds < 0.1 else f"{runs.seconds:.2f} s"
