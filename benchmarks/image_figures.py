"""How fast images come, against the training step that waits for them."""

from __future__ import annotations

from collections.abc import Iterator

from figures import Figure, Setting
from image_jobs import KINDS
from measuring import Runs, interleaved, job

_NAMES = {
    "small": "100x100 JPEGs to 32x32, cifar10_quick",
    "photo": "500x375 JPEGs to 224x224, ResNet-18",
    "camera": "12-megapixel JPEGs to 224x224, ResNet-18",
}
#: Files, batches, steps: some seconds each.
_COUNTS = {"small": (1000, 60, 20), "photo": (200, 60, 3), "camera": (40, 12, 3)}


def measure_images(setting: Setting) -> Iterator[Figure]:
    """All figures, one after the other."""
    for kind, counts in _COUNTS.items():
        files, batches, steps = counts if setting.shrink == 1 else (16, 1, 1)
        interleaved({"pictures": job("pictures", setting.folder / kind, kind, files)}, 1)
        yield from of_kind(setting, kind, batches, steps)


def of_kind(setting: Setting, kind: str, batches: int, steps: int) -> Iterator[Figure]:
    """The batches alone, and a training with them."""
    folder = setting.folder / kind
    commands = {how: job("pipeline", how, folder, kind, batches) for how in ("chainer_ft", "own")}
    ways = ("in memory", "from files")
    commands |= {how: job("image_steps", how, folder, kind, steps) for how in ways}
    runs = interleaved(commands, setting.rounds)
    size = KINDS[kind][3]
    a_batch = runs["chainer_ft"].seconds / batches
    ratio = runs["chainer_ft"].times(runs["in memory"]) * steps / batches
    here = f"{a_batch * 1e3:.0f} ms a batch, {size / a_batch:,.0f} images/s, {ratio:.2f}x"
    own, step = _ms(runs["own"], batches), _ms(runs["in memory"], steps)
    today = f"`MultiprocessIterator` {own}; the step {step}"
    yield Figure(_NAMES[kind], here, today, ratio, 1.0, "x the step")
    slower = runs["from files"].times(runs["in memory"])
    here = f"{_ms(runs['from files'], steps)}, {slower:.2f}x"
    unit = "x the step from memory"
    yield Figure("... a step that takes them", here, f"from memory {step}", slower, None, unit)


def _ms(runs: Runs, count: int) -> str:
    return f"{runs.seconds / count * 1e3:.0f} ms"
