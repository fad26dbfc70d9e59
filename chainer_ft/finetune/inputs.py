"""What becomes of an image: told, or known to the source of the weights."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import chainer
import numpy as np

from chainer_ft.caffe.data.transform import read_mean
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.net import Net
from chainer_ft.errors import FormatError
from chainer_ft.finetune.building import Make, origin_of
from chainer_ft.finetune.settings import Settings
from chainer_ft.images import Augmentation, Preprocessing

_USUAL = (224, 224)


def preprocessing_for(settings: Settings, make: Make) -> Preprocessing:
    """The preprocessing of a run.

    What the settings say comes first (``preset`` and the fields of
    :class:`~chainer_ft.images.Preprocessing`), then what the weights file says of the run that
    made it, then what a Caffe net says (input shape, ``transform_param``, mean file).

    Args:
        settings: Weights and preprocessing.
        make: Makes the model.

    Raises:
        FormatError: A mean file cannot be read.
        UsageError: The numbers do not fit each other.
    """
    given = dict(settings.preprocessing or {})
    known = origin_of(settings, "preprocessing") or _of_model(make(True), settings.model, given)
    size = given.pop("size", None) or known.get("size") or _USUAL
    preset, file = given.pop("preset", None), given.pop("mean_file", None)
    if file:
        given["mean"] = _cropped(read_mean(file), size)
    if preset:
        known = Preprocessing.named(preset, tuple(size)).to_dict()
    return Preprocessing.from_dict({**known, **given, "size": size})


def augmentation_for(settings: Settings) -> Augmentation | None:
    """What is random in the training of a run."""
    if settings.augmentation is None:
        return None
    told: dict[str, Any] = {**settings.augmentation}
    for name in ("area", "aspect"):
        told[name] = tuple(told[name])
    return Augmentation(**told)


def _of_model(model: chainer.Link, spec: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a Caffe net says of its input."""
    if not isinstance(model, Net):
        return {}
    data = next((one for one in model.data_layers if model.input_blobs[0] in one.top), None)
    shape = _shape(data)
    known: dict[str, Any] = {"channels": "BGR" if shape[0] != 1 else "L", "scale": 1.0}
    if len(shape) == 3:
        known["size"] = shape[1:]
    if data is not None and data.has("transform_param"):
        known |= _of_transform(data.transform_param, os.path.dirname(spec), given)
    return known


def _shape(data: Message | None) -> tuple[int, ...]:
    """Channels, height and width of an Input layer; three channels where nothing is said."""
    if data is None or not data.has("input_param") or not data.input_param.shape:
        return (3,)
    return tuple(int(n) for n in data.input_param.shape[0].dim[1:])


def _of_transform(param: Message, folder: str, given: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {"scale": param.scale or 1.0}
    if param.crop_size:
        known["size"] = (param.crop_size, param.crop_size)
    if param.mean_value:
        known["mean"] = tuple(param.mean_value)
    if param.mean_file and not {"mean", "mean_file", "preset"} & set(given):
        mean = read_mean(_found(param.mean_file, folder))
        known.setdefault("size", mean.shape[1:])
        known["mean"] = _cropped(mean, known["size"])
    return known


def _found(name: str, folder: str) -> str:
    """A mean file where the prototxt says, or beside the prototxt."""
    for path in (name, os.path.join(folder, name), os.path.join(folder, os.path.basename(name))):
        if os.path.exists(path):
            return path
    raise FormatError(f"mean_file {name}: is not there; give the mean: --mean FILE, or B,G,R")


def _cropped(mean: np.ndarray, size: Sequence[int]) -> tuple[float, ...]:
    """A mean image as a mean: its middle, or where it is smaller one number a channel."""
    spare = [have - want for have, want in zip(mean.shape[1:], size, strict=True)]
    if min(spare) < 0:
        return tuple(mean.mean(axis=(1, 2)).tolist())
    top, left = (room // 2 for room in spare)
    return tuple(mean[:, top : top + size[0], left : left + size[1]].ravel().tolist())
