"""What training is measured by, against what, and what is to be reached."""

from __future__ import annotations

from collections.abc import Iterator

from figures import Figure, Setting
from measuring import Runs, interleaved, job

_NET = "a step of a residual net, "


def measure_training(setting: Setting) -> Iterator[Figure]:
    """All figures, one after the other."""
    yield from steps(setting)
    yield from overhead(setting)


def steps(setting: Setting) -> Iterator[Figure]:
    """Step time and memory of a ResNet-18, all of it and parts."""
    width, count = 32 // setting.shrink, 1 if setting.shrink > 1 else 3
    ways = ("full", "disable_update", "freeze", "freeze two stages")
    timed = {how: job("step", how, width, count, setting.device) for how in ways}
    runs = interleaved(timed, setting.rounds)
    once = {how: job("step_memory", how, width, setting.device) for how in ways}
    memory = interleaved(once, min(setting.rounds, 3))
    for how, what, goal in (
        ("freeze", "all but the head", 0.4),
        (ways[-1], "two of four stages", None),
    ):
        yield _time(_NET + f"{what} frozen", runs, how, count, goal)
        yield _memory("... memory for that", memory, how)


def _time(what: str, runs: dict[str, Runs], how: str, count: int, goal: float | None) -> Figure:
    full, ours = runs["full"], runs[how]
    today = f"all of it {_s(full, count)}"
    if how == "freeze":
        off = runs["disable_update"]
        today += f"; `disable_update` {_s(off, count)}, {off.times(full):.2f}x"
    ratio = ours.times(full)
    here = f"{_s(ours, count)}, {ratio:.2f}x"
    return Figure(what, here, today, ratio, goal, "x the full step")


def _memory(what: str, runs: dict[str, Runs], how: str) -> Figure:
    full, ours = runs["full"].extra, runs[how].extra
    today = f"all of it {full / 1e6:.0f} MB"
    if how == "freeze":
        today += f"; `disable_update` {runs['disable_update'].extra / 1e6:.0f} MB"
    ratio = ours / full
    return Figure(what, f"{ours / 1e6:.0f} MB, {ratio:.2f}x", today, ratio, None, "x the full step")


def overhead(setting: Setting) -> Iterator[Figure]:
    """What the extensions cost in the run of a net whose step takes 2 ms."""
    epochs = 1 if setting.shrink > 1 else 5
    ways = ("plain", "extensions", "schedule")
    runs = interleaved({h: job("run", h, epochs, setting.device) for h in ways}, 3 * setting.rounds)
    plain = runs["plain"]
    for how, what in (
        ("extensions", "a run of a small net with Freeze, LearningRates, Summary, WeightDrift"),
        ("schedule", "... with Schedule, Summary, WeightDrift"),
    ):
        least, without = _least(runs[how]), _least(plain)
        here = f"{least:.2f} s, {least / without:.3f}x"
        today = f"without {without:.2f} s"
        yield Figure(what, here, today, least / without, 1.02, "x the run without")


def _least(runs: Runs) -> float:
    """The fastest: what others on the machine add is more than the hundredths looked for here."""
    return min(run.seconds for run in runs.runs)


def _s(runs: Runs, count: int) -> str:
    return f"{runs.seconds / count:.3f} s"
