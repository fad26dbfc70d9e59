"""What becomes of an image: told, or known to the source of the weights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chainer_ft.caffe.data.transform import read_mean
from chainer_ft.caffe.prototxt import read_net
from chainer_ft.errors import UsageError
from chainer_ft.finetune.building import is_caffe, origin_of
from chainer_ft.finetune.settings import Settings
from chainer_ft.images import Augmentation, Preprocessing
from chainer_ft.images.from_caffe import caffe_input
from chainer_ft.select import nearest
from chainer_ft.transfer import open as open_source

_USUAL = (224, 224)
_SIZE = "they are made 224x224; give --size HEIGHTxWIDTH where the weights were trained on others"


def preprocessing_for(settings: Settings) -> tuple[Preprocessing, tuple[str, ...]]:
    """The preprocessing of a run, and what had to be guessed.

    What the settings say comes first (``preset``, ``mean_file`` and the fields of
    :class:`~chainer_ft.images.Preprocessing`), then what the weights file says of the run that
    made it, then what a Caffe net says (input shape, ``transform_param``, mean file).

    Args:
        settings: Model, weights and preprocessing.

    Raises:
        FormatError: A mean file cannot be read.
        UsageError: The numbers do not fit each other.
    """
    given = dict(settings.preprocessing or {})
    preset, file = given.pop("preset", None), given.pop("mean_file", None)
    size = given.get("size")
    known = origin_of(settings, "preprocessing")
    notes: tuple[str, ...] = ()
    if preset:
        size = size or (known or {}).get("size")
        height, width = size or _USUAL
        known = Preprocessing.named(preset, (int(height), int(width))).to_dict()
    elif known is None and is_caffe(settings.model):
        known, notes = _of_caffe(settings, size, file, "mean" in given)
        file = None
    if size is None and (preset or known is None):
        notes = (*notes, f"{settings.model} says not how large its images are: {_SIZE}")
    if file:
        given["mean"] = tuple(read_mean(file).mean(axis=(1, 2)).tolist())
    fields = Preprocessing(_USUAL).to_dict()
    for name in given.keys() - fields.keys():
        raise UsageError(f"preprocessing {name!r}: there is no such; {nearest(name, fields)}")
    base = Preprocessing.from_dict({"size": size or _USUAL, **(known or {})})
    return replace(base, **given), notes


def _of_caffe(
    settings: Settings, size: Any, mean_file: str | None, has_mean: bool
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """What a prototxt says; that its mean is missing is no news where one is given."""
    path = settings.model
    wanted = None if size is None else (int(size[0]), int(size[1]))
    depth, root = _depth(settings), os.path.dirname(path)
    found = caffe_input(path, size=wanted, depth=depth, mean_file=mean_file, root=root)
    if has_mean:
        notes = tuple(note for note in found.notes if "mean" not in note)
    else:
        notes = found.notes or _silent(path, found.preprocessing)
    return found.preprocessing.to_dict(), notes


def _depth(settings: Settings) -> int | None:
    """Channels that the net's first convolution reads, if its weights are there."""
    layers = [one for one in read_net(settings.model).layer if one.type == "Convolution"]
    if settings.weights is None or not layers:
        return None
    path = f"/{layers[0].name}/W"
    with open_source(settings.weights) as source:
        shape = (source.listing[path].shape if path in source.listing else None) or ()
    return shape[1] * layers[0].convolution_param.group if len(shape) == 4 else None


def _silent(path: str, made: Preprocessing) -> tuple[str, ...]:
    """A net without a mean learns worse and says nothing; most were trained with one."""
    if any(made.mean):
        return ()
    return (
        f"{path} names no mean, so none is subtracted; if the weights were trained with one, "
        "give it, --mean 104,117,123 or --mean mean.binaryproto; --mean 0 if not",
    )


def augmentation_for(settings: Settings) -> Augmentation | None:
    """What is random in the training of a run."""
    if settings.augmentation is None:
        return None
    told: dict[str, Any] = {**settings.augmentation}
    for name in ("area", "aspect"):
        told[name] = tuple(told[name])
    return Augmentation(**told)
