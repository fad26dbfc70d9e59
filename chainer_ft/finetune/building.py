"""From what a run is told to a model that is ready to be trained."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import chainer

from chainer_ft.errors import UsageError
from chainer_ft.finetune.fresh import fill_zeros
from chainer_ft.finetune.head import Resized, find_head, resize_head
from chainer_ft.finetune.predictor import check_scores, predictor
from chainer_ft.finetune.settings import Settings
from chainer_ft.transfer import open as open_source
from chainer_ft.transfer import plan
from chainer_ft.transfer.models import load_model
from chainer_ft.types import Plan

#: Makes the model anew; ``True`` for one as it was given, ``False`` for one with new weights.
Make = Callable[[bool], chainer.Link]


@dataclass(frozen=True)
class Built:
    """A model for the new classes.

    Args:
        model: What was named or given; what is saved.
        predictor: What gives the scores: the model itself, or a chain around it.
        head: What became of the head.
        plan: What was copied, and from where; ``None`` for new weights.
        filled: Paths of new weights that would have been all zero.
    """

    model: chainer.Link
    predictor: chainer.Link
    head: Resized
    plan: Plan | None = None
    filled: tuple[str, ...] = ()


def maker(model: str | chainer.Link) -> Make:
    """How a model is made anew.

    Args:
        model: ``file.py:Net``, ``package.module:Net`` or a ``.prototxt``; or a link, of which
            copies are made.
    """
    if isinstance(model, chainer.Link):
        return lambda as_given: _copy(model) if as_given else model.copy("init")
    if is_caffe(model):
        return lambda _: _caffe(model)
    return lambda _: load_model(model)


def _copy(model: chainer.Link) -> chainer.Link:
    try:
        return copy.deepcopy(model)
    except (TypeError, ValueError):  # a Sequential of lambda functions, an open file
        return model.copy("copy")


def is_caffe(model: str) -> bool:
    """Whether a model is named by its prototxt."""
    return model.lower().endswith((".prototxt", ".pbtxt"))


def _caffe(path: str) -> chainer.Link:
    from chainer_ft.caffe.net import Net

    return Net(path, phase="TRAIN")


def build(
    settings: Settings,
    make: Make,
    classes: Sequence[str],
    shape: tuple[int, int, int],
    pretrained: bool = True,
) -> Built:
    """Make the model, copy the weights, give the head the new classes, try it once.

    Args:
        settings: Weights, head, labels, rules, device.
        make: Makes the model.
        classes: The new classes.
        shape: Channels, height and width of the input.
        pretrained: Whether it gets the weights.

    Raises:
        RefusedError: The weights do not fit.
        RuleError: There is no head.
        UsageError: The model does not take images, or does not give a score for each class.
    """
    model = make(pretrained or settings.weights is not None)
    made = _copied(settings, model) if pretrained and settings.weights else None
    labels = list(settings.labels) if settings.labels and pretrained else None
    if labels and made is not None and not _has_rows(made, model, labels, settings.head):
        labels = None
    head = resize_head(model, list(classes), head=settings.head, labels=labels)
    scores = predictor(model, head.now.path)
    check_scores(scores, shape, len(classes))
    filled = () if pretrained else fill_zeros(model)
    scores.to_device(settings.device)
    return Built(model, scores, head, made, filled)


def _copied(settings: Settings, model: chainer.Link) -> Plan:
    """Copy the weights; a head of as many rows as there are labels is taken along."""
    assert settings.weights is not None
    if settings.labels:
        resize_head(model, len(settings.labels), head=settings.head)
    with open_source(settings.weights) as source:
        made = plan(source, model, **(settings.rules or {}))
        made.apply()
    return made


def _has_rows(made: Plan, model: chainer.Link, labels: Sequence[str], head: str | None) -> bool:
    """Whether the rows of the head, one for each label, are those of the weights.

    Raises:
        UsageError: The weights have another number of them.
    """
    rows, _ = find_head(model, len(labels) if head is None else None, head).params
    clash = next((one for one in made.incorrect_shapes if one.target == rows), None)
    if clash and clash.source_shape and clash.source_shape[:1] != (len(labels),):
        raise UsageError(
            f"{len(labels)} labels, and {clash.source} of {made.source.origin} is "
            f"{clash.source_shape}: --labels names each row of the head of the weights, one a line"
        )
    return any(pair.target == rows for pair in made.pairs)


def origin_of(settings: Settings, key: str) -> Any:
    """What the weights file says of the run that made it; ``None`` where it says nothing."""
    if settings.weights is None:
        return None
    with open_source(settings.weights) as source:
        told = (source.provenance or {}).get("fine_tuning")
    return told.get(key) if isinstance(told, dict) else None


def check_device(name: str) -> None:
    """See that a device is there.

    Raises:
        UsageError: It is not.
    """
    try:
        chainer.get_device(name).use()
    except Exception as error:  # what is missing, CuPy, a driver or a GPU, decides its class
        said = " ".join(str(error).split()).rstrip(".")
        raise UsageError(
            f"device {name!r}: {said}; give @numpy, or see what `chainer-ft doctor` says of the GPU"
        ) from error
