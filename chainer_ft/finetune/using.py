"""A net that was trained: name the class of images, and judge it on others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import chainer
import numpy as np

from chainer_ft.errors import FormatError, UsageError
from chainer_ft.finetune.building import build, check_device, maker
from chainer_ft.finetune.folder import MODEL, STATE
from chainer_ft.finetune.head import resize_head
from chainer_ft.finetune.judging import Judged, scores_of, softmax
from chainer_ft.finetune.settings import Settings
from chainer_ft.images import Batches, Dataset, Images, Item, Preprocessing, open_picture
from chainer_ft.images.picture import quiet
from chainer_ft.links import named_links
from chainer_ft.select import nearest
from chainer_ft.transfer import copy, plan
from chainer_ft.transfer import open as open_source


@dataclass(frozen=True)
class Classifier:
    """A net with what using it needs.

    Args:
        predictor: Gives a score for each class.
        classes: Their names.
        preprocessing: What becomes of an image.
        settings: Of the run that made it.
    """

    predictor: chainer.Link
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    settings: Settings

    def predict(self, paths: Sequence[str | os.PathLike[str]]) -> np.ndarray:
        """Probabilities of the classes.

        Args:
            paths: Images.

        Returns:
            numpy.ndarray: float64, (n, classes).

        Raises:
            FormatError: An image cannot be read.
        """
        with quiet():
            inputs = [self.preprocessing.apply(open_picture(os.fspath(path))) for path in paths]
        size = self.settings.batch_size
        groups = (inputs[i : i + size] for i in range(0, len(inputs), size))
        batches = ([(x, np.int32(0)) for x in group] for group in groups)
        return softmax(scores_of(self.predictor, batches)[0])

    def evaluate(
        self,
        images: Images,
        workers: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Judged:
        """What it says of images whose classes are known.

        Args:
            images: As :func:`chainer_ft.images.find` gives them; both parts are used.
            workers: Processes that prepare them.
            progress: Called with how many are done.

        Raises:
            UsageError: They have a class that the net does not know.
        """
        same = replace(images, train=tuple(self._renumbered(images)), val=())
        data = Dataset(same, "train", self.preprocessing)
        batches = Batches(
            data, self.settings.batch_size, repeat=False, shuffle=False, workers=workers
        )
        try:
            return Judged(*scores_of(self.predictor, batches, progress))
        finally:
            batches.finalize()

    def _renumbered(self, images: Images) -> Iterator[Item]:
        """The images with the numbers that the net has for their classes."""
        unknown = [name for name in images.classes if name not in self.classes]
        if unknown:
            raise UsageError(
                f"{images.source}: has the class {unknown[0]!r}, which the net does not know; "
                f"{nearest(unknown[0], self.classes)}"
            )
        places = [self.classes.index(name) for name in images.classes]
        return (Item(item.key, places[item.label]) for item in (*images.train, *images.val))


def load(
    run: str | os.PathLike[str],
    model: str | chainer.Link | None = None,
    device: str = "@numpy",
) -> Classifier:
    """The net of a run.

    Args:
        run: A run folder, or the ``model.npz`` of one.
        model: What the run was given as model; by default what it says itself.
        device: Where to compute.

    Raises:
        FormatError: There is no such file, or it does not say what it needs.
        UsageError: The model cannot be made.
    """
    check_device(device)
    path = os.path.join(run, MODEL) if os.path.isdir(run) else os.fspath(run)
    if not os.path.exists(path) and os.path.exists(os.path.join(run, STATE)):
        advice = f"go on with it, chainer-ft train --resume {os.fspath(run)}"
        raise FormatError(f"{path}: the run is not over; {advice}")
    with open_source(path) as source:
        told = (source.provenance or {}).get("fine_tuning")
    if not isinstance(told, dict):
        raise FormatError(
            f"{path}: does not say what its classes and its input are; only a model.npz that "
            "`chainer-ft train` wrote does"
        )
    return _made(path, told, model, device)


def _made(
    path: str, told: dict[str, Any], model: str | chainer.Link | None, device: str
) -> Classifier:
    settings = Settings.from_dict(told["settings"])
    preprocessing = Preprocessing.from_dict(told["preprocessing"])
    bare = replace(settings, weights=None, labels=None, head=told["head"], device=device)
    link = maker(settings.model if model is None else model)(True)
    wrong = _misfit(path, link, told)
    if wrong:
        given = type(link).__qualname__ if isinstance(model, chainer.Link) else model
        raise UsageError(
            f"{given or settings.model}: is not the net that {path} is of: {wrong}; give the one "
            f"that was trained, which was called {settings.model} then, as --model"
        )
    built = build(bare, lambda _: link, told["classes"], preprocessing.shape)
    copy(path, built.model, strict=True)
    return Classifier(built.predictor, tuple(told["classes"]), preprocessing, bare)


def _misfit(path: str, link: chainer.Link, told: dict[str, Any]) -> str:
    """The first array in which a model differs from its weights, or nothing."""
    if told["head"] not in dict(named_links(link)):
        return f"it has no {told['head']}"
    resize_head(link, len(told["classes"]), head=told["head"])
    made = plan(path, link)
    for clash in made.incorrect_shapes:
        return f"{clash.target} is {clash.source_shape} there, {clash.target_shape} here"
    sides = (made.target, made.missing, "there"), (made.source, made.unexpected, "here")
    for listing, left, side in sides:
        for name in left:
            if not (listing[name].is_counter or listing[name].is_no_array):
                return f"{name} is not {side}"
    return ""
