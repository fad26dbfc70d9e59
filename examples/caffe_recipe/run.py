"""The fine-tuning walk of Caffe's tutorials: train, rename the last layer, fine-tune, resume.

``python examples/caffe_recipe/run.py --out out/caffe_recipe`` runs it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from databases import main as make_databases

import chainer_ft as ft

HERE = Path(__file__).resolve().parent
END, HALF = "_iter_100.caffemodel", "_iter_50.solverstate"


def caffe(folder: Path, *arguments: str) -> str:
    """Run ``chainer-ft caffe`` as a user types it; the log, which Caffe writes to stderr."""
    print("$ chainer-ft caffe", *arguments, flush=True)
    command = [sys.executable, "-m", "chainer_ft", "caffe", *arguments]
    done = subprocess.run(command, cwd=folder, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.rstrip().rpartition("\n")[2])
    return done.stderr


def accuracies(log: str) -> str:
    """What the tests in a log found."""
    found = re.findall(r"Test net output #0: accuracy = (\S+)", log)
    return "accuracy " + " -> ".join(f"{float(value):.1%}" for value in found)


def same(one: Path, other: Path) -> bool:
    """Whether two files of weights hold the same arrays, to the bit."""
    with ft.open(one) as first, ft.open(other) as second:
        paths = [entry.path for entry in first.listing]
        if paths != [entry.path for entry in second.listing]:
            return False
        return all(first.read(p).tobytes() == second.read(p).tobytes() for p in paths)


def report(claim: str, is_so: bool) -> None:
    """Say that something holds, or stop."""
    print(f"   {claim}: {'yes' if is_so else 'NO'}\n", flush=True)
    if not is_so:
        sys.exit(1)


def walk(folder: Path, weights: str | None) -> None:
    """The steps of README.md."""
    if weights is None:
        print("1. LeNet for the digits 0 to 5:")
        weights = "lenet" + END
        print("  ", accuracies(caffe(folder, "train", "--solver", "lenet_solver.prototxt")), "\n")
    print("2. Fine-tuned on 6 to 9: another last layer, all others fixed:")
    solver = ("train", "-solver", "finetune_solver.prototxt")
    print("  ", accuracies(caffe(folder, *solver, "-weights", weights)), "\n")
    unbroken = folder / ("unbroken" + END)
    (folder / ("finetune" + END)).rename(unbroken)
    print("3. Resumed from the snapshot half-way:")
    caffe(folder, *solver, "-snapshot", "finetune" + HALF)
    report("the same weights as without a break", same(folder / ("finetune" + END), unbroken))
    print("4. The same recipe as it was written in 2014:")
    caffe(folder, "train", "--solver=finetune_solver_2014.prototxt", f"--weights={weights}")
    report("the same weights", same(folder / ("finetune_2014" + END), unbroken))
    print("5. The result, tested:")
    model = ("--model", "finetune_train_val.prototxt", "--weights", unbroken.name)
    log = caffe(folder, "test", *model, "--iterations", "2")
    print(*re.findall(r"(?<=\] )(?:accuracy|loss) = .*", log), sep="\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the walk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/caffe_recipe"), help="for results")
    parser.add_argument("--weights", type=Path, help="a LeNet's .caffemodel, in place of step 1")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for file in HERE.glob("*.prototxt"):
        shutil.copy(file, options.out)
    make_databases(options.out)
    walk(options.out, None if options.weights is None else str(options.weights.resolve()))


if __name__ == "__main__":
    main()
