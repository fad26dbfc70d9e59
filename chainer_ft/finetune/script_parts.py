"""The parts of a script that depend on the run, as Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from chainer_ft.errors import UsageError
from chainer_ft.finetune.building import is_caffe
from chainer_ft.finetune.settings import Settings
from chainer_ft.images import Preprocessing
from chainer_ft.select import text_of
from chainer_ft.training.schedules import EarlyStopping, Schedule
from chainer_ft.training.schedules.yaml_reading import read


def imports(settings: Settings) -> Iterator[str]:
    """The imports, the user's model among them; what comes first and why."""
    file, _, name = settings.model.rpartition(":")
    yield "import random"
    if file.endswith(".py"):
        yield "import sys"
    yield "\nimport chainer_ft as ft  # first: makes the next lines work on today's stack\n"
    yield "import chainer\nimport numpy\nfrom chainer.training import extensions\n"
    if is_caffe(settings.model):
        yield "from chainer_ft import caffe, finetune, images"
        return
    yield "from chainer_ft import finetune, images\n"
    if file.endswith(".py"):
        yield f"sys.path.insert(0, {os.path.dirname(os.path.abspath(file))!r})"
        file = os.path.splitext(os.path.basename(file))[0]
    if not file:
        raise UsageError(
            f"{settings.model}: was given as a link, and a script cannot name it; give the model "
            "as 'nets.py:Net'"
        )
    yield f"from {file} import {name.removesuffix('()').split('.')[0]}"


def find(settings: Settings) -> str:
    """Arguments of ``images.find``."""
    told = {"val": settings.val, "seed": settings.seed, "per_class": settings.per_class}
    if settings.strict:
        told["strict"] = True
    return ", ".join(f"{name}={value!r}" for name, value in told.items() if value is not None)


def preprocessing(settings: Settings) -> str:
    """Only what is not usual, one field a line."""
    given = Preprocessing.from_dict(settings.preprocessing or {})
    usual = Preprocessing(given.size)
    names = [n for n in vars(usual) if n != "size" and getattr(usual, n) != getattr(given, n)]
    if "statistics" in names:
        names.remove("statistics")
    fields = ", ".join([repr(given.size), *(f"{n}={getattr(given, n)!r}" for n in names)])
    return f"images.Preprocessing({fields})"


def model(settings: Settings, head: str) -> Iterator[str]:
    """The model, its weights and its head."""
    name = settings.model.rpartition(":")[2].removesuffix("()")
    caffe = f'caffe.Net({settings.model!r}, phase="TRAIN")'
    yield f"model = {caffe if is_caffe(settings.model) else f'{name}()'}"
    labels = list(settings.labels) if settings.labels and settings.weights else None
    if labels:
        yield f"labels = {labels!r}"
        yield f"finetune.resize_head(model, len(labels), head={head!r})"
    if settings.weights:
        yield f"plan = ft.plan({settings.weights!r}, model{_rules(settings)})"
        yield "print(plan)"
        yield "plan.apply()"
    kept = ", labels=labels" if labels else ""
    yield f"head = finetune.resize_head(model, photos.classes, head={head!r}{kept}).now"


def _rules(settings: Settings) -> str:
    usual: dict[str, Any] = {"policy": "name", "min_coverage": 0.0}
    told = {k: v for k, v in (settings.rules or {}).items() if v and v != usual.get(k)}
    return "".join(f", {name}={value!r}" for name, value in told.items())


def schedule(schedule: str) -> str:
    """Phases as Python."""
    phases = [f"        ft.{phase!r}," for phase in map(_plain, Schedule(read(schedule)).phases)]
    return "\n".join(["ft.Schedule(", "    [", *phases, "    ]", ")"])


class _Text:
    """Something whose repr is a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _plain(phase: Any) -> _Text:
    """A phase as it can be typed: selections as text."""
    told: dict[str, Any] = {}
    if phase.length is not None:
        told["length"] = str(phase.length)
    if phase.freeze:
        told["freeze"] = [text_of(one) for one in phase.freeze]
    for name in ("lr", "decay"):
        if getattr(phase, name):
            told[name] = {text_of(k): v for k, v in getattr(phase, name).items()}
    if phase.until is not None:
        told["until"] = _Text(_until(phase.until))
    told["name"] = phase.name
    for name, usual in (("statistics", "still"), ("dropout", "off")):
        if getattr(phase, name) != usual:
            told[name] = getattr(phase, name)
    return _Text(f"Phase({', '.join(f'{k}={v!r}' for k, v in told.items())})")


def optimizer(settings: Settings, lr: float) -> str:
    """The optimizer."""
    if settings.optimizer == "adamw":
        return f"AdamW({lr!r}, weight_decay_rate={lr * settings.base_decay!r})"
    return f"MomentumSGD({lr!r})"


def hook(settings: Settings) -> str:
    """Weight decay, where the optimizer has none of its own."""
    if settings.optimizer == "adamw":
        return ""
    return f"optimizer.add_hook(chainer.optimizer_hooks.WeightDecay({settings.base_decay!r}))\n"


def curve(settings: Settings) -> str:
    """The curve of the learning rate."""
    names = {"one-cycle": "OneCycle", "cosine": "Cosine"}
    if settings.curve not in names:
        return ""
    return f"trainer.extend(ft.extensions.{names[settings.curve]}())\n"


def cache(settings: Settings) -> str:
    """The cached features."""
    if not settings.cache:
        return ""
    draws = "" if settings.draws == 1 else f"draws={settings.draws}"
    return f"trainer.extend(ft.FeatureCache({draws}))\n"


def _until(rule: EarlyStopping) -> str:
    usual = vars(EarlyStopping())
    told = {name: value for name, value in vars(rule).items() if value != usual[name]}
    if "check" in told:
        told["check"] = str(rule.check)
    return f"ft.EarlyStopping({', '.join(f'{k}={v!r}' for k, v in told.items())})"
