"""The trainer extensions that come with chainer_ft, one module each."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from chainer_ft.host.host import hookimpl
from chainer_ft.types import ExtensionFactory


def _build(name: str, room: str = "training.extensions") -> Any:
    """The function that makes one; Chainer is imported when it is called."""

    def build(*args: Any, **options: Any) -> Any:
        return getattr(import_module(f"chainer_ft.{room}"), name)(*args, **options)

    return build


@hookimpl
def chainer_ft_trainer_extensions() -> list[ExtensionFactory]:
    return [
        ExtensionFactory("freeze", "freeze links, prove it, thaw them later", _build("Freeze")),
        ExtensionFactory(
            "learning-rates",
            "multiply learning rate and weight decay layer by layer",
            _build("LearningRates"),
        ),
        ExtensionFactory("lr-find", "find a learning rate, and undo the search", _build("LRFind")),
        ExtensionFactory("summary", "print what of the model trains", _build("Summary")),
        ExtensionFactory(
            "weight-drift",
            "report how far each layer is from the pretrained weights",
            _build("WeightDrift"),
        ),
        ExtensionFactory(
            "schedule", "freeze, thaw and set the pace phase by phase", _build("Schedule")
        ),
        ExtensionFactory(
            "feature-cache",
            "compute what is frozen once, not in each epoch",
            _build("FeatureCache", "finetune"),
        ),
        ExtensionFactory(
            "one-cycle", "let the learning rate rise and fall once", _build("OneCycle")
        ),
        ExtensionFactory(
            "cosine", "let the learning rate fall along half a cosine", _build("Cosine")
        ),
    ]
