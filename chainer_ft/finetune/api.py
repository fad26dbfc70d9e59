"""Fine-tuning in one call."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import chainer
from chainer.training import Trainer

from chainer_ft.errors import UsageError
from chainer_ft.finetune.before import check_before
from chainer_ft.finetune.building import check_device, maker, origin_of
from chainer_ft.finetune.folder import RunFolder
from chainer_ft.finetune.inputs import preprocessing_for
from chainer_ft.finetune.keeping import Stopper
from chainer_ft.finetune.result import RunResult
from chainer_ft.finetune.running import run_all
from chainer_ft.finetune.settings import Settings
from chainer_ft.finetune.training import Setup
from chainer_ft.images import Augmentation, Images, Preprocessing, find

Path = str | os.PathLike[str]


def fine_tune(
    model: str | chainer.Link,
    weights: Path | None,
    data: Path,
    epochs: int = 5,
    lr: float | str | None = None,
    freeze_epochs: float | None = None,
    *,
    out: Path,
    resume: bool = False,
    preprocessing: Preprocessing | Mapping[str, Any] | None = None,
    augmentation: Augmentation | None = None,
    baselines: Sequence[str] = (),
    extend: Callable[[Trainer], None] = lambda trainer: None,
    **options: Any,
) -> RunResult:
    """Fine-tune a classifier of images.

    The weights are copied, the head gets the classes of the data, the head is trained, then
    everything, the head at ten times the rate. The folder ``out`` gets the log, the weights
    (``model.npz``, with classes and preprocessing), pictures, and a snapshot as long as the run
    is not over.

    Args:
        model: ``file.py:Net``, ``package.module:Net``, a ``.prototxt``, or a link. It is not
            changed.
        weights: A weights file; ``None`` where the link has them already.
        data: A folder with a folder of images for each class, or what else
            :func:`chainer_ft.images.find` takes.
        epochs: Length of the training, ``freeze_epochs`` included.
        lr: Learning rate of the body, or ``find``; by default the optimizer's usual one.
        freeze_epochs: Epochs at the beginning in which the head trains alone.
        out: The run folder.
        resume: Go on with the run that is in there, if one is; only ``model`` is looked at then.
        preprocessing: What becomes of an image, or some fields of it; by default what the source
            of the weights says.
        augmentation: What is random in training.
        baselines: ``scratch``, ``frozen``; trained too, at the same budget, split and seed.
        extend: Adds extensions to each trainer.
        **options: Other fields of :class:`chainer_ft.finetune.settings.Settings`.

    Returns:
        RunResult: Also in ``result.json``.

    Raises:
        RefusedError: The weights do not fit the model.
        UsageError: An option does not fit.
        FormatError: Data or weights cannot be read, or the folder cannot be written.
        Interrupted: Ctrl-C; call it again with ``resume=True``.

    Example:
        >>> import tempfile, chainer_ft as ft, numpy as np
        >>> where = tempfile.mkdtemp()
        >>> draw = np.random.RandomState(0).randint(0, 99, (40, 4, 4, 3))
        >>> tint = np.arange(40) % 2
        >>> pixels = (draw + 99 * tint[:, None, None, None]).astype(np.uint8)
        >>> np.savez(f"{where}/photos.npz", x=pixels, y=tint)
        >>> L = chainer.links
        >>> net = chainer.Sequential(L.Linear(48, 8), chainer.functions.relu, L.Linear(8, 10))
        >>> result = ft.fine_tune(
        ...     net, None, f"{where}/photos.npz", 3, 0.01, out=f"{where}/run",
        ...     preprocessing={"size": (4, 4)}, batch_size=8, workers=0)
        >>> result.head, result.fine_tuned.score.count
        ('head /1: 10 -> 2 classes, all new', 8)
    """
    folder = RunFolder(out)
    if not (resume and (folder.path / "run.json").exists()):
        told = Settings(
            data=os.fspath(data),
            model=model if isinstance(model, str) else type(model).__qualname__,
            weights=None if weights is None else os.fspath(weights),
            epochs=epochs,
            lr=lr,
            freeze_epochs=freeze_epochs,
            preprocessing=_plain(preprocessing),
            augmentation=None if augmentation is None else augmentation.to_dict(),
            baselines=tuple((name, None) for name in baselines),
            **options,
        )
        begin(told, folder)
    return go_on(folder, model, extend=extend)


def _plain(given: Preprocessing | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return given.to_dict() if isinstance(given, Preprocessing) else given


def begin(settings: Settings, folder: RunFolder) -> Settings:
    """Settle what the source of the weights says, and make the run folder."""
    prepared, notes = preprocessing_for(settings)
    known = settings.labels or origin_of(settings, "classes")
    labels = None if known is None else tuple(known)
    settled = replace(
        settings,
        preprocessing=prepared.to_dict(),
        notes=notes,
        labels=None if labels is None else tuple(labels),
    )
    folder.begin(settled)
    return settled


def go_on(
    folder: RunFolder,
    model: str | chainer.Link,
    *,
    stopper: Stopper | None = None,
    extend: Callable[[Trainer], None] = lambda trainer: None,
    every: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    checked: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Do what is left of a run."""
    settings = folder.settings()
    check_device(settings.device)
    make = maker(model)
    check_before(settings, make)
    images = _judgeable(images_of(settings, checked))
    folder.check_images(images)
    setup = Setup(
        settings,
        _counted(settings, images),
        Preprocessing.from_dict(settings.preprocessing or {}),
        make,
        stopper or Stopper(),
        extend,
        every,
        tell,
    )
    return run_all(setup, folder)


def _judgeable(images: Images) -> Images:
    if not images.val:
        raise UsageError(
            f"{images.source}: no image is kept for validation; give a share, --val 0.2, or a "
            "folder val/ beside train/"
        )
    return images


def _counted(settings: Settings, images: Images) -> Images:
    """The images, with a note where there are too few for the batches."""
    count, size = len(images.train), settings.batch_size
    if count >= size:
        return images
    updates = -(-settings.epochs * count // size)
    note = (
        f"{count} images to train on are fewer than a batch of {size}: {settings.epochs} epochs "
        f"are {updates} updates, each with some of them more than once; "
        f"give --batch-size {max(1, count // 4)}, say"
    )
    return replace(images, notes=(*images.notes, note))


def images_of(settings: Settings, checked: Callable[[int, int], None] | None = None) -> Images:
    """The images of a run, split as it says."""
    return find(
        settings.data,
        val=settings.val,
        seed=settings.seed,
        per_class=settings.per_class,
        strict=settings.strict,
        progress=checked,
    )
