"""Train on digits 0-4, put it into another net with ``chainer-ft copy``, fine-tune on 5-9.

Prints the accuracy against the same net from scratch: same images, same order, same steps.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import chainer_ft as ft  # makes the next lines work on today's stack

# isort: split
import chainer
import numpy as np
from data import digits, placed, split
from fit import accuracy, curve, trainer_of
from models import FiveToNine, ZeroToFour
from picture import draw

HERE = Path(__file__).resolve().parent
EACH, EVERY = 5, 10  # images of a class; steps between two looks


def train_source(path: Path, steps: int) -> float:
    """What somebody did long ago: a net for 0-4, saved with save_npz. Returns its accuracy."""
    rng = np.random.RandomState(0)
    np.random.seed(0)  # Chainer's initializers draw from NumPy's own generator
    images, labels = digits(range(5))
    held_out, rest = split(labels, 36, rng)
    seen = np.tile(rest, 8)  # each image at eight places
    net = ZeroToFour()
    trainer = trainer_of(net, (placed(images[seen], rng), labels[seen]), 32, steps, 0)
    trainer.run()
    chainer.serializers.save_npz(path, net)
    return accuracy(net, (placed(images[held_out], rng), labels[held_out]))


def copy(source: Path, start: Path) -> None:
    """The command that a user types, with its report."""
    model = f"{os.path.relpath(HERE / 'models.py')}:FiveToNine"
    arguments = ["copy", str(source), model, "-o", str(start)]
    print("$ chainer-ft", *arguments, flush=True)
    installed = shutil.which("chainer-ft", path=os.path.dirname(sys.executable))
    command = [installed] if installed else [sys.executable, "-m", "chainer_ft"]
    subprocess.run([*command, *arguments], check=True)


def compare(start: Path, seeds: int, steps: int) -> dict[str, np.ndarray]:
    """Accuracies of both, one row a seed. A seed chooses the images, places, order and weights."""
    images, labels = digits(range(5, 10))
    curves: dict[str, list[list[float]]] = {"fine-tuned": [], "from scratch": []}
    for seed in range(seeds):
        rng = np.random.RandomState(seed)
        few, others = split(labels, EACH, rng)
        train = placed(images[few], rng), labels[few]
        test = placed(images[others], rng), labels[others]
        for name, rows in curves.items():
            np.random.seed(seed)
            net = FiveToNine()
            if name == "fine-tuned":
                ft.copy(start, net, skip="/score")  # so that both begin with one head
            rows.append(curve(net, train, test, steps, EVERY, seed))
    return {name: np.array(rows) for name, rows in curves.items()}


def table(curves: Mapping[str, np.ndarray]) -> str:
    """Mean and standard deviation over the seeds, after some numbers of steps."""
    last = next(iter(curves.values())).shape[1] - 1
    looks = sorted({last * share // 20 for share in (0, 2, 4, 10, 20)})
    lines = ["steps".ljust(14) + "".join(f"{look * EVERY:>14}" for look in looks)]
    for name, rows in curves.items():
        cells = (f"{rows[:, i].mean():.1%} ± {rows[:, i].std():.1%}" for i in looks)
        lines.append(name.ljust(14) + "".join(cell.rjust(14) for cell in cells))
    tuned, scratch = (rows[:, -1] for rows in curves.values())
    lines.append(
        f"at the end, fine-tuned is ahead in {(tuned > scratch).sum()} of {len(tuned)} seeds"
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/digits"), help="folder for results")
    parser.add_argument("--seeds", type=int, default=8, help="how often both are trained")
    parser.add_argument("--steps", type=int, default=100, help="length of each training")
    parser.add_argument("--source-steps", type=int, default=400, help="length of the source's")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    source, start = options.out / "source.npz", options.out / "start.npz"
    began = time.perf_counter()
    print("1. A net for the digits 0-4:", flush=True)
    print(f"accuracy on other images of 0-4: {train_source(source, options.source_steps):.1%}\n")
    print("2. Its weights in a net for 5-9, whose head has another name:", flush=True)
    copy(source, start)
    print(f"\n3. Both on {EACH} images of each digit 5-9, {options.seeds} seeds:", flush=True)
    curves = compare(start, options.seeds, options.steps)
    print(table(curves))
    title = f"digits 5-9, {EACH} images a class, {options.seeds} seeds"
    draw(options.out / "curves.png", curves, EVERY, title)
    seconds = time.perf_counter() - began
    print(f"\npicture: {options.out / 'curves.png'}; {seconds:.0f} s in all")


if __name__ == "__main__":
    main()
