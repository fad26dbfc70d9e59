"""A whole run: all its trainings, and what came of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainer_ft.errors import UsageError
from chainer_ft.finetune import measured
from chainer_ft.finetune.auto import settled
from chainer_ft.finetune.building import Built
from chainer_ft.finetune.contenders import Contender, contenders
from chainer_ft.finetune.folder import FEATURES, RunFolder
from chainer_ft.finetune.judging import Judged
from chainer_ft.finetune.logs import curve_of, drift_of
from chainer_ft.finetune.page import write_page
from chainer_ft.finetune.result import RunResult
from chainer_ft.finetune.training import Setup, carry_out, statistics_of
from chainer_ft.formats.atomic import replacing
from chainer_ft.formats.provenance import versions
from chainer_ft.images import Preprocessing
from chainer_ft.report.json import plan_data
from chainer_ft.report.timeline import timeline_data
from chainer_ft.training.schedules.resolving import resolve
from chainer_ft.training.schedules.timelines import timeline

_WORST = 24


@dataclass(frozen=True)
class Trained:
    """A contender, trained.

    Args:
        contender: Which.
        judged: What it says of the validation images.
        facts: ``seconds``, ``lr``, ``head``.
        log: Entries of its log.
    """

    contender: Contender
    judged: Judged
    facts: dict[str, Any]
    log: list[dict[str, Any]]


def run_all(setup: Setup, folder: RunFolder) -> RunResult:
    """Train the fine-tuned net and the baselines, as far as they are not, and tell.

    Args:
        setup: What they share.
        folder: The run folder, begun.

    Raises:
        Interrupted: The user stopped the run; it can go on.
    """
    built = setup.built()
    setup.tell(_beginning(setup, built))
    advice = setup.preprocessing.check(statistics_of(setup))
    if advice:
        setup.tell(advice)
    settings, why = settled(setup, built, folder)
    trained = []
    # What a first phase computes of the frozen body, the baseline with a frozen body needs too.
    shared = "frozen" in dict(settings.baselines)
    features = folder.path / FEATURES if shared else None
    for contender in contenders(settings, built.model, built.head.now.path, why):
        place = folder.child(contender.name)
        schedule = contender.scenario.schedule.to_yaml().rstrip()
        place.write_text("schedule.yaml", schedule)
        setup.tell(f"\n{contender.name}: {contender.scenario.why}\n{schedule}")
        judged, facts = carry_out(setup, contender, place, features)
        trained.append(Trained(contender, judged, facts, place.log()))
    shutil.rmtree(folder.path / FEATURES, ignore_errors=True)
    _result(setup, built, trained, folder, advice).save(folder.path)
    try:
        write_page(folder.path)
    except UsageError as error:  # no matplotlib
        setup.tell(f"no page: {error}; then chainer-ft train --resume {folder.path} draws it")
    return RunResult.load(folder.path)


def _beginning(setup: Setup, built: Built) -> str:
    """The images, what was copied, the head."""
    lines = [str(setup.images), *(f"note: {note}" for note in setup.settings.notes), ""]
    if built.plan is not None:
        count = len(built.plan.pairs)
        lines.append(
            f"weights: {count} arrays of {setup.settings.weights}, coverage "
            f"{built.plan.coverage:.2%}"
        )
    return "\n".join([*lines, str(built.head)])


def _result(
    setup: Setup,
    built: Built,
    trained: Sequence[Trained],
    folder: RunFolder,
    advice: str | None,
) -> RunResult:
    first, *others = trained
    settings, classes = setup.settings, setup.images.classes
    size = len(setup.images.train) / settings.batch_size
    phases = resolve(built.model, first.contender.scenario.schedule)
    keys = [item.key for item in setup.images.val]
    return RunResult(
        model=settings.model,
        weights=settings.weights,
        scenario=first.contender.scenario.name,
        why=first.contender.scenario.why,
        fine_tuned=_measured(first, size),
        baselines=tuple(_measured(one, size, first) for one in others),
        confusion=first.judged.confusion(classes),
        worst=tuple(_pictured(setup, folder, first.judged.worst(classes, keys, _WORST))),
        data=setup.images.to_dict(),
        preprocessing=setup.preprocessing.to_dict(),
        copy_map=None if built.plan is None else plan_data(built.plan),
        head=first.facts["head"],
        schedule=first.contender.scenario.schedule.to_yaml(),
        timeline=timeline_data(timeline(phases, size)),
        drift=drift_of(first.log, size, _prefix(built)),
        settings=settings.to_dict(),
        seed=settings.seed,
        device=settings.device,
        command=settings.command,
        versions=versions(),
        notes=(
            *settings.notes,
            *([advice] if advice else []),
            *setup.images.notes,
            *_notes(trained),
        ),
    )


def _measured(one: Trained, size: float, first: Trained | None = None) -> measured.Contender:
    return measured.Contender(
        one.contender.name,
        one.facts["lr"],
        curve_of(one.log, size),
        one.judged.score(),
        one.facts["seconds"],
        None if first is None else first.judged.margin(one.judged),
    )


def _prefix(built: Built) -> str:
    """Path of the model in the classifier."""
    return "/predictor" if built.predictor is built.model else "/predictor/net"


def _notes(trained: Sequence[Trained]) -> list[str]:
    return [one.facts["note"] for one in trained if "note" in one.facts]


def _pictured(
    setup: Setup, folder: RunFolder, worst: Sequence[measured.Sample]
) -> list[measured.Sample]:
    """The worst samples with a PNG of each, what the net sees of it."""
    (folder.path / "worst").mkdir(exist_ok=True)
    items = {item.key: item for item in setup.images.val}
    shown = []
    for number, sample in enumerate(worst):
        name = f"worst/{number:02}.png"
        picture = setup.images.open(items[sample.key])
        box = setup.preprocessing.window(picture.size)
        image = picture.cut(box, _thumbnail(setup.preprocessing), "bilinear")
        with replacing(folder.path / name) as temporary:
            image.save(temporary, format="PNG")
        shown.append(measured.Sample(**{**vars(sample), "picture": name}))
    return shown


def _thumbnail(preprocessing: Preprocessing) -> tuple[int, int]:
    """Width and height of a picture of about 112 points that has the shape of the input."""
    height, width = preprocessing.size
    factor = 112 / max(height, width)
    return max(1, round(width * factor)), max(1, round(height * factor))
