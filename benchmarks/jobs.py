"""What is measured inside a process of its own: ``python jobs.py NAME ARGUMENTS``.

Prints seconds, without start-up, and the memory that the work took on top of it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import vgg19
from feature_jobs import epoch  # noqa: F401  a job too
from image_jobs import image_steps, pictures, pipeline  # noqa: F401  jobs too
from training_jobs import run, step, step_memory  # noqa: F401  jobs too

import chainer_ft as ft  # before chainer

Work = Callable[[], object]


def generate(path: str, shrink: str) -> Work:
    """Write the .caffemodel."""
    return lambda: vgg19.write(Path(path), int(shrink))


def listing(path: str) -> Work:
    """Open with chainer_ft and list."""
    ft.open(path).close()  # start-up: plugins, and the modules of the format

    def work() -> object:
        with ft.open(path) as source:
            return source.listing

    return work


def read(path: str) -> Work:
    """Copy every array into memory with chainer_ft."""
    ft.open(path).close()

    def work() -> object:
        with ft.open(path) as source:
            return [source.read(entry.path) for entry in source.listing]

    return work


def buffer(path: str) -> Work:
    """Read the file into one new buffer, as ``cat`` with a memory would."""
    import numpy as np

    def work() -> object:
        bytes_ = np.empty(Path(path).stat().st_size, np.uint8)
        with open(path, "rb", buffering=0) as file:
            done = 0
            while count := file.readinto(memoryview(bytes_)[done:]):
                done += count
        return bytes_

    return work


def caffe_function(path: str) -> Work:
    """Chainer's own reader (made to work by chainer_ft; protobuf's C implementation)."""
    from chainer.links.caffe import CaffeFunction

    return lambda: CaffeFunction(path)


def dump(path: str, shrink: str) -> Work:
    """Pickle VGG-19 as the articles do, without gradients."""
    import pickle

    model = _model(int(shrink))
    model.cleargrads()

    def work() -> object:
        with open(path, "wb") as file:
            return pickle.dump(model, file, protocol=4)

    return work


def load_pickle(path: str) -> Work:
    """Python's own, with the classes of the Chainer that wrote the file at hand."""
    import pickle

    import chainer.links  # noqa: F401  not a part of the work

    def work() -> object:
        with open(path, "rb") as file:
            return pickle.load(file)

    return work


def save(path: str, shrink: str) -> Work:
    """chainer_ft.save."""
    model = _model(int(shrink))
    return lambda: ft.save(path, model)


def save_npz(path: str, shrink: str, compression: str) -> Work:
    """Chainer's own."""
    from chainer import serializers

    model = _model(int(shrink))
    return lambda: serializers.save_npz(path, model, compression=compression == "compressed")


def copy(path: str, shrink: str) -> Work:
    """chainer_ft.copy into a live model: everything checked before anything is written."""
    model = _model(int(shrink))
    return lambda: ft.copy(path, model)


def load_npz(path: str, shrink: str) -> Work:
    """Chainer's own."""
    from chainer import serializers

    model = _model(int(shrink))
    return lambda: serializers.load_npz(path, model)


def plan(policy: str, entries: str) -> Work:
    """Plan between two nets; the second has one link more."""
    from chainer_ft.planning import by_name, by_shape, make_plan
    from chainer_ft.types import Listing

    chosen = {"name": by_name, "shape": by_shape}[policy].POLICY
    shapes = _shapes(int(entries) // 2)
    old = {f"/l{i}/{n}": s for i, link in enumerate(shapes) for n, s in link.items() if i != 7}
    prefix = "l" if policy == "name" else "other"
    new = {f"/{prefix}{i}/{n}": s for i, link in enumerate(shapes) for n, s in link.items()}
    source, target = Listing.of(old), Listing.of(new)
    return lambda: make_plan(source, target, chosen)


def _shapes(links: int) -> list[dict[str, tuple[int, ...]]]:
    """Convolutions of the four usual widths, in no order."""
    import random

    widths = random.Random(0)
    sizes = [widths.choices((64, 128, 256, 512), k=2) for _ in range(links)]
    return [{"W": (out, into, 3, 3), "b": (out,)} for out, into in sizes]


def _model(shrink: int) -> Any:
    """VGG-19 as a Chain, of zeros."""
    import chainer

    model = chainer.Chain()
    with model.init_scope():
        for name, kind, shape in vgg19.layers(shrink):
            if kind == vgg19.CONVOLUTION:
                link = chainer.links.Convolution2D(shape[1], shape[0], 3, initialW=0)
            else:
                link = chainer.links.Linear(shape[3], shape[2], initialW=0)
            setattr(model, name, link)
    return model


def main() -> None:
    """Run one job and print what it took."""
    work = globals()[sys.argv[1]](*sys.argv[2:])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    kept = work()
    seconds = time.perf_counter() - start
    extra = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    own = kept if type(kept) is dict else {}  # what a job measured itself
    print(json.dumps({"seconds": seconds, "extra": extra * 1024, **own}))


if __name__ == "__main__":
    main()
