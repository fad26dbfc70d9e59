"""``python benchmarks/caffe.py [--json] [--quick]``: Caffe nets against chains written by hand.

Forward and training step of ``caffe.Net``, of a chain of the same layers, and of Chainer's
``CaffeFunction`` with the same weights, in one process, taking turns. Processor time on one thread,
so that a busy machine changes little.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import chainer_ft  # noqa: F401  before chainer

# isort: split
import chainer
import chainer.functions as F  # noqa: N812
import numpy as np
from caffe_nets import NETS
from chainer.links.caffe import CaffeFunction
from figures import Figure
from run import machine, table

from chainer_ft.caffe import Net
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import parse_net, write_binary

RESULTS = Path(__file__).resolve().parent / "caffe_results.md"
GOAL = 1.1
Work = Callable[[], object]


@dataclass(frozen=True)
class Contest:
    """One net, built in three ways; each way to a forward pass and a training step.

    ``function`` is not among them where CaffeFunction cannot run the net.
    """

    name: str
    forward: Mapping[str, Work]
    step: Mapping[str, Work]


def contest(name: str, folder: Path) -> Contest:
    """Build a net in three ways, with the same weights for Net and CaffeFunction."""
    text, chain_of, blob = NETS[name]
    net, chain = Net(parse_net(text()), phase="TRAIN"), chain_of()
    shape = net.data_layers[0].input_param.shape[0].dim
    random = np.random.RandomState(0)
    x, t = random.rand(*shape).astype("f4"), random.randint(0, 10, shape[0]).astype("i4")
    net({"data": x}, [blob])
    function = caffe_function(net, folder / "net.caffemodel")
    forward: dict[str, Work] = {
        "net": lambda: net({"data": x}, [blob]),
        "chain": lambda: chain(x),
        "function": lambda: function({"data": x}, [blob]),
    }
    step: dict[str, Work] = {
        "net": _step(net, lambda: net.loss({"data": x, "label": t})),
        "chain": _step(chain, lambda: F.softmax_cross_entropy(chain(x), t)),
        "function": _step(
            function, lambda: F.softmax_cross_entropy(function({"data": x}, [blob])[0], t)
        ),
    }
    if not _runs(forward["function"]):
        del forward["function"], step["function"]
    return Contest(name, forward, step)


def _runs(work: Work) -> bool:
    """CaffeFunction rounds the sizes of average pooling down, and fails on what follows."""
    try:
        work()
    except chainer.utils.type_check.InvalidType:
        return False
    return True


def _step(link: chainer.Link, loss: Callable[[], chainer.Variable]) -> Work:
    def step() -> None:
        link.cleargrads()
        loss().backward()

    return step


def caffe_function(net: Net, path: Path) -> CaffeFunction:
    """Chainer's own reader, on a file with the weights of a net."""
    layers = [
        layer.copy() for layer in net.layers if layer.type not in ("Input", "SoftmaxWithLoss")
    ]
    for layer in layers:
        for blob in (b for b in net.params_in_order() if b.layer == layer.name):
            array = blob.read() if blob.layer[-2:] != "bn" else _plausible(blob.index, blob.shape)
            shape = Message("BlobShape", dim=list(array.shape))
            layer.add("blobs", Message("BlobProto", data=array.ravel(), shape=shape))
    write_binary(Message("NetParameter", name="net", layer=layers), path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CaffeFunction(str(path))


def _plausible(index: int, shape: tuple[int, ...]) -> np.ndarray:
    """Statistics of a net that was trained: means 0, variances 1, the factor 1."""
    return np.full(shape, float(index > 0), "f4")


def seconds(works: Mapping[str, Work], rounds: int) -> dict[str, list[float]]:
    """Processor time of each work; all run once a round, and the first round does not count."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for i in range(rounds + 1):
        for name, work in works.items():
            start = time.process_time()
            work()
            if i:
                found[name].append(time.process_time() - start)
    return found


def figures(one: Contest, rounds: int) -> Iterator[Figure]:
    """The two lines of a net."""
    for what, works in (("forward", one.forward), ("training step", one.step)):
        times = seconds(works, rounds)
        to_chain = _ratio(times["net"], times["chain"])
        today = f"by hand {_ms(times['chain'])}, `CaffeFunction` "
        here = f"{_ms(times['net'])}, {to_chain:.2f}x by hand"
        if "function" in times:
            today += _ms(times["function"])
            here += f", {_ratio(times['net'], times['function']):.2f}x `CaffeFunction`"
        else:
            today += "fails (average pooling)"
        unit = "x a chain written by hand"
        yield Figure(f"{one.name}: {what}", here, today, to_chain, GOAL, unit)


def _ratio(one: Sequence[float], other: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def _ms(times: Sequence[float]) -> str:
    return f"{statistics.median(times) * 1000:.0f} ms"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--quick", action="store_true", help="LeNet, one round; keep nothing")
    parser.add_argument("--rounds", type=int, default=15, help="runs of each")
    options = parser.parse_args(arguments)
    where = machine()
    names, rounds = (list(NETS)[:1], 1) if options.quick else (list(NETS), options.rounds)
    with tempfile.TemporaryDirectory() as name:
        found = [f for net in names for f in figures(contest(net, Path(name)), rounds)]
    text = f"{table(found)}\n{where}\n"
    kept = [asdict(figure) | {"met": figure.met} for figure in found]
    data = {"schema": "chainer_ft.benchmarks/1", "machine": where, "figures": kept}
    print(json.dumps(data, indent=1) if options.json else text, end="")
    if not options.quick:
        RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
