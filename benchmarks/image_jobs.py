"""Batches of images and the steps that they are for, as jobs; see jobs.py."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Work = Callable[[], object]

#: Width and height of the files, side of the net's input, images in a batch, the net.
KINDS = {
    "small": (100, 100, 32, 32, "Cifar10Quick"),
    "photo": (500, 375, 224, 4, "ResNet18"),
    "camera": (4000, 3000, 224, 4, "ResNet18"),
}


def pictures(folder: str, kind: str, count: str) -> Work:
    """Write JPEG files of two classes, as smooth and as noisy as photographs."""
    import numpy as np
    from PIL import Image

    def work() -> None:
        random = np.random.default_rng(0)
        size = KINDS[kind][:2]
        for number in range(int(count)):
            path = Path(folder) / "ab"[number % 2] / f"{number}.jpg"
            path.parent.mkdir(exist_ok=True, parents=True)
            coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), np.uint8))
            smooth = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
            noise = random.integers(-9, 10, smooth.shape, np.int16)
            pixels = np.clip(smooth + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path, quality=90)

    return work


def pipeline(how: str, folder: str, kind: str, batches: str) -> Work:
    """Take batches from an iterator that has worked for a while: its lead is used up first.

    Seconds are those that as many free cores as there are processes would take: CPU time, divided.
    """
    made = _iterator(how, folder, kind)
    lead = 3 * _cores()
    for _ in range(1 + lead):
        next(made)

    def work() -> dict[str, float]:
        start = _cpu_seconds()
        for _ in range(int(batches)):
            next(made)
        seconds = (_cpu_seconds() - start) / _cores()
        made.finalize()
        return {"seconds": seconds}

    return work


def _cpu_seconds() -> float:
    """CPU time of this process and of its children that live."""
    ticks = 0
    for listing in Path("/proc/self/task").glob("*/children"):
        for child in listing.read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def image_steps(how: str, folder: str, kind: str, steps: str) -> Work:
    """Train on batches: on one that is in memory already, or on those of the iterator.

    Seconds are CPU time of this process, which computes in one thread.
    """
    import caffe_nets
    import chainer
    import numpy as np

    *_, name = KINDS[kind]
    np.random.seed(0)
    model = chainer.links.Classifier(getattr(caffe_nets, name)())
    optimizer = chainer.optimizers.MomentumSGD(0.001).setup(model)
    made = _iterator("chainer_ft", folder, kind)
    if how == "in memory":
        made.finalize()
        made = _same(next(made))

    def step() -> None:
        optimizer.update(model, *chainer.dataset.concat_examples(next(made)))

    step()

    def work() -> dict[str, float]:
        start = time.process_time()
        for _ in range(int(steps)):
            step()
        return {"seconds": time.process_time() - start}

    return work


def _same(batch: Any) -> Iterator[Any]:
    while True:
        yield batch


def _iterator(how: str, folder: str, kind: str) -> Any:
    _, _, side, size, _ = KINDS[kind]
    if how == "chainer_ft":
        from chainer_ft.images import Augmentation, Batches, Dataset, Preprocessing, find

        images = find(folder, val=0, verify=False)
        return Batches(Dataset(images, "train", Preprocessing((side, side)), Augmentation()), size)
    import chainer

    processes = {"n_processes": _cores(), "n_prefetch": 3}
    return chainer.iterators.MultiprocessIterator(_by_hand(folder, side), size, **processes)


def _by_hand(folder: str, side: int) -> Any:
    """What scripts do: decode, crop at random, resize, flip, colours."""
    import chainer
    import numpy as np
    from PIL import Image, ImageEnhance

    paths = sorted(map(str, Path(folder).glob("*/*.jpg")))
    pairs = [(path, int("/b/" in path)) for path in paths]

    def prepared(pair: tuple[str, int]) -> tuple[np.ndarray, int]:
        with Image.open(pair[0]) as file:
            image = file.convert("RGB")
        share = np.sqrt(np.random.uniform(0.35, 1))
        width, height = int(image.width * share), int(image.height * share)
        left = np.random.randint(image.width - width + 1)
        top = np.random.randint(image.height - height + 1)
        box = (left, top, left + width, top + height)
        image = image.crop(box).resize((side, side), Image.Resampling.BILINEAR)
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            image = enhance(image).enhance(np.random.uniform(0.8, 1.2))
        pixels = np.asarray(image, np.float32)[:, :: np.random.choice([-1, 1])]
        return pixels.transpose(2, 0, 1) / 255, np.int32(pair[1])

    return chainer.datasets.TransformDataset(pairs, prepared)


def _cores() -> int:
    return len(os.sched_getaffinity(0))
