"""What cached features save, against what, and what is to be reached."""

from __future__ import annotations

from collections.abc import Iterator

from figures import Figure, Setting
from measuring import Runs, interleaved, job

#: A fiftieth: at least fifty epochs in the time of one.
_GOAL = 0.02


def measure_features(setting: Setting) -> Iterator[Figure]:
    """An epoch of a head on a frozen ResNet-18, from features and without."""
    is_quick = setting.shrink > 1
    size = [2, 64] if is_quick else [16, 320]
    ways = {
        how: job("epoch", how, "later", *size, setting.device)
        for how in ("full", "frozen", "features")
    }
    ways["first"] = job("epoch", "features", "first", *size, setting.device)
    runs = interleaved(ways, min(setting.rounds, 3))
    what = "an epoch of the head of a residual net, from features"
    for name, today in (("full", "all of it trains"), ("frozen", "the body frozen")):
        yield _against(what, runs["features"], runs[name], today, name)
        what = "... the same"
    first = runs["first"].times(runs["frozen"])
    yield Figure(
        "... its first epoch, in which they are computed",
        f"{runs['first'].seconds:.2f} s, {first:.2f}x",
        f"the body frozen {runs['frozen'].seconds:.2f} s",
        first,
        None,
        "x the epoch with the body frozen",
    )


def _against(what: str, ours: Runs, other: Runs, today: str, name: str) -> Figure:
    ratio = ours.times(other)
    here = f"{ours.seconds * 1000:.1f} ms: {1 / ours.seconds:.0f} epochs a second, {1 / ratio:.0f}x"
    text = f"{today} {other.seconds:.2f} s: {1 / other.seconds:.2f} epochs a second"
    unit = {"full": "x the full epoch", "frozen": "x the epoch with the body frozen"}[name]
    return Figure(what, here, text, ratio, _GOAL, unit)
