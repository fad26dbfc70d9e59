"""One training, from the model to what it says of the validation images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from chainer.training import Trainer

from chainer_ft.errors import UsageError
from chainer_ft.finetune.building import Built, Make, build
from chainer_ft.finetune.contenders import Contender
from chainer_ft.finetune.folder import MODEL, SNAPSHOT, RunFolder
from chainer_ft.finetune.inputs import augmentation_for
from chainer_ft.finetune.judging import Judged, scores_of
from chainer_ft.finetune.keeping import Keep, Stopper, load_snapshot
from chainer_ft.finetune.loop import Task, make_trainer, make_updater, seeded, val_batches
from chainer_ft.finetune.moment import random_kept
from chainer_ft.finetune.provenance import provenance_of
from chainer_ft.finetune.settings import Settings
from chainer_ft.images import Dataset, Images, Preprocessing
from chainer_ft.images.statistics import Statistics
from chainer_ft.training.lr_find import lr_find
from chainer_ft.training.rates import learning_rates
from chainer_ft.transfer import save

_SEEN = 64  # images


@dataclass(frozen=True)
class Setup:
    """What all trainings of a run have in common.

    Args:
        settings: What the run was told.
        images: The images, split.
        preprocessing: What becomes of each.
        make: Makes the model.
        stopper: Says when to stop.
        extend: Adds what only watches to a trainer: progress, tables.
        every: Iterations between two snapshots, besides those of each epoch.
        tell: Prints a line or several of what is being done.
    """

    settings: Settings
    images: Images
    preprocessing: Preprocessing
    make: Make
    stopper: Stopper
    extend: Callable[[Trainer], None] = lambda trainer: None
    every: int | None = None
    tell: Callable[[str], None] = lambda text: None

    def dataset(self, part: Any) -> Dataset:
        """The images of ``train`` or ``val``; those to learn from are augmented."""
        augmentation = augmentation_for(self.settings) if part == "train" else None
        seed = self.settings.seed
        return Dataset(self.images, part, self.preprocessing, augmentation, seed)

    def built(self, pretrained: bool = True) -> Built:
        """A model for the classes of the images."""
        shape = self.preprocessing.shape
        return build(self.settings, self.make, self.images.classes, shape, pretrained)


def statistics_of(setup: Setup) -> Statistics:
    """Of the images to learn from, as the net sees them: of 64 of them, spread over all."""
    data = setup.dataset("train")
    places = np.unique(np.linspace(0, len(data) - 1, _SEEN).astype(int))
    return Statistics.of(np.stack([data[int(i)][0] for i in places]))


def carry_out(
    setup: Setup, contender: Contender, folder: RunFolder, features: Path | None = None
) -> tuple[Judged, dict[str, Any]]:
    """Train, or go on, unless it is done already; then judge.

    Args:
        setup: What it shares with the others.
        contender: Which training.
        folder: Its folder.
        features: A folder for features of what is frozen that others will use, too.

    Returns:
        tuple: What the net says of the validation images, and facts: ``seconds``, ``lr``, ``head``.

    Raises:
        Interrupted: The user stopped it; it can go on.
    """
    done = folder.finished()
    if done is not None:
        return done
    settings = setup.settings
    with seeded(settings.seed, settings.device):
        built = setup.built(contender.pretrained)
        task = Task(
            str(folder.path),
            built,
            contender.scenario.schedule,
            _rate(setup, contender, folder),
            setup.dataset("train"),
            setup.dataset("val"),
            None if features is None else str(features),
        )
        seconds = _run(setup, task)
        judged = Judged(*scores_of(built.predictor, val_batches(settings, task.val)))
    provenance = provenance_of(setup, built, contender, statistics_of(setup))
    save(folder.path / MODEL, built.model, provenance=provenance)
    facts = {"seconds": seconds, "lr": task.lr, "head": str(built.head)}
    if built.filled:
        facts["note"] = (
            f"{contender.name}: the net says that {', '.join(built.filled)} begin at 0, and could "
            "not learn so; they begin as LeCunNormal draws them"
        )
    folder.finish(judged, facts)
    (folder.path / SNAPSHOT).unlink(missing_ok=True)
    return judged, facts


def _run(setup: Setup, task: Task) -> float:
    """Run the trainer to its end; gives the seconds that it took."""
    trainer = make_trainer(setup.settings, task)
    trainer.extend(Keep(setup.stopper, setup.every, setup.settings.identity))
    setup.extend(trainer)
    load_snapshot(trainer)
    with setup.stopper.listening():
        trainer.run(show_loop_exception_msg=False)
    return float(trainer.elapsed_time)


def _rate(setup: Setup, contender: Contender, folder: RunFolder) -> float:
    """The learning rate, looked for once where that was asked for."""
    if setup.settings.lr != "find" or contender.name in dict(_given(setup.settings)):
        return contender.lr
    path = folder.path / "lr.txt"
    if not path.exists():
        with random_kept():  # the run draws what it would with this rate given
            folder.write_text(path.name, repr(found_rate(setup, contender)))
    return float(path.read_text(encoding="utf-8"))


def _given(settings: Settings) -> list[tuple[str, float]]:
    return [(name, lr) for name, lr in settings.baselines if lr is not None]


def found_rate(setup: Setup, contender: Contender) -> float:
    """Look for a learning rate on a net of its own, as it is in the last phase.

    Raises:
        UsageError: The loss never falls.
    """
    settings = replace(setup.settings, workers=0)
    built = setup.built(contender.pretrained)
    phase = contender.scenario.schedule.phases[-1]
    task = Task(
        "",
        built,
        contender.scenario.schedule,
        contender.lr,
        setup.dataset("train"),
        setup.dataset("val"),
    )
    updater = make_updater(settings, task)
    learning_rates(built.model, dict(phase.lr))
    found = lr_find(updater).suggestion
    if found is None:
        raise UsageError("lr find: the loss falls at no rate; give one, --lr 0.0001")
    return found
