"""The layers of 2013 (V0) become those of 2014 (V1)."""

from __future__ import annotations

import logging

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.text_tokens import PrototxtError
from chainer_ft.select import nearest

_LOG = logging.getLogger("chainer_ft.caffe")

_SAME = ("accuracy", "bnll", "concat", "data", "dropout", "euclidean_loss", "flatten", "hdf5_data")
_SAME_TWO = ("hdf5_output", "im2col", "infogain_loss", "lrn", "multinomial_logistic_loss", "relu")
_SAME_THREE = ("sigmoid", "softmax", "softmax_loss", "split", "tanh", "window_data")
TYPES = {name: name.upper() for name in (*_SAME, *_SAME_TWO, *_SAME_THREE)} | {
    "conv": "CONVOLUTION",
    "images": "IMAGE_DATA",
    "innerproduct": "INNER_PRODUCT",
    "pool": "POOLING",
}
_CONV, _FC, _POOL = "convolution_param", "inner_product_param", "pooling_param"
_PARAMS = {
    "conv": _CONV,
    "innerproduct": _FC,
    "pool": _POOL,
    "dropout": "dropout_param",
    "lrn": "lrn_param",
    "concat": "concat_param",
    "data": "data_param",
    "hdf5_data": "hdf5_data_param",
    "images": "image_data_param",
    "window_data": "window_data_param",
    "infogain_loss": "infogain_loss_param",
}
_SOURCES = ("data", "hdf5_data", "images", "window_data")
#: Field of a V0 layer: what it is called today, and the layer types that have it.
_MOVES: dict[str, tuple[str, tuple[str, ...]]] = {
    "num_output": ("num_output", ("conv", "innerproduct")),
    "biasterm": ("bias_term", ("conv", "innerproduct")),
    "weight_filler": ("weight_filler", ("conv", "innerproduct")),
    "bias_filler": ("bias_filler", ("conv", "innerproduct")),
    "pad": ("pad", ("conv", "pool")),
    "kernelsize": ("kernel_size", ("conv", "pool")),
    "stride": ("stride", ("conv", "pool")),
    "group": ("group", ("conv",)),
    "pool": ("pool", ("pool",)),
    "dropout_ratio": ("dropout_ratio", ("dropout",)),
    **{name: (name, ("lrn",)) for name in ("local_size", "alpha", "beta", "k")},
    "source": ("source", (*_SOURCES, "infogain_loss")),
    "batchsize": ("batch_size", _SOURCES),
    "rand_skip": ("rand_skip", ("data", "images")),
    "shuffle_images": ("shuffle", ("images",)),
    "new_height": ("new_height", ("images",)),
    "new_width": ("new_width", ("images",)),
    "concat_dim": ("concat_dim", ("concat",)),
    "det_fg_threshold": ("fg_threshold", ("window_data",)),
    "det_bg_threshold": ("bg_threshold", ("window_data",)),
    "det_fg_fraction": ("fg_fraction", ("window_data",)),
    "det_context_pad": ("context_pad", ("window_data",)),
    "det_crop_mode": ("crop_mode", ("window_data",)),
}
_TRANSFORM = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size"}
_TRANSFORM["mirror"] = "mirror"
_KEPT = ("name", "blobs", "blobs_lr", "weight_decay", "hdf5_output_param")


def is_v0(net: Message) -> bool:
    """Whether a net has layers of 2013."""
    return any(layer.has("layer") for layer in net.layers)


def upgrade_v0(net: Message) -> None:
    """Replace the V0 layers of a net by V1 layers.

    Raises:
        PrototxtError: A layer has a type that Caffe never had.
    """
    net.set("layers", [_layer(outer) for outer in _without_padding(net)])


def _without_padding(net: Message) -> list[Message]:
    """The layers without ``padding`` ones; who reads from one takes over its pad and bottom."""
    writers: dict[str, Message] = {}
    kept = []
    for outer in (layer.copy() for layer in net.layers):
        source = writers.get(outer.bottom[0]) if outer.bottom else None
        if source is not None and source.layer.type == "padding":
            _take_padding(outer, source)
        writers.update(dict.fromkeys(outer.top, outer))
        if outer.layer.type != "padding":
            kept.append(outer)
    return kept


def _take_padding(outer: Message, padding: Message) -> None:
    if outer.layer.type not in ("conv", "pool") or len(outer.bottom) != 1:
        raise PrototxtError(
            f"{outer.where()}: layer {outer.layer.name!r} reads from the padding layer "
            f"{padding.layer.name!r}; only conv and pool layers with one bottom can"
        )
    if padding.layer.has("pad"):
        outer.layer.take(padding.layer, "pad")
    outer.take(padding, "bottom")


def _layer(outer: Message) -> Message:
    old, new = outer.layer, Message("V1LayerParameter", _place(outer))
    new.unknown = [*outer.unknown, *old.unknown]
    for name in ("bottom", "top"):
        if outer.has(name):
            new.take(outer, name)
    for field in old.set_fields():
        if field.name == "type":
            new.set("type", _type(old))
        elif field.name in _KEPT:
            new.take(old, field.name)
        elif field.name in _TRANSFORM:
            _parameter(new, "transform_param").take(old, field.name, _TRANSFORM[field.name])
        else:
            _move(old, field.name, new)
    return new


def _place(message: Message) -> str:
    return message.where()


def _type(old: Message) -> str:
    if old.type not in TYPES:
        raise PrototxtError(
            f"{old.where('type')}: layer {old.name!r} has the unknown type {old.type!r}; "
            f"{nearest(old.type, TYPES)}"
        )
    return TYPES[old.type]


def _move(old: Message, name: str, new: Message) -> None:
    new_name, types = _MOVES.get(name, ("", ()))
    if old.type not in types:
        _LOG.warning("%s: %s means nothing to a %s layer", old.where(name), name, old.type)
        return
    target = _parameter(new, _PARAMS[old.type])
    target.take(old, name, new_name)
    if target.kind.fields[new_name].is_repeated:
        target.set(new_name, [getattr(old, name)])


def _parameter(layer: Message, name: str) -> Message:
    """A parameter message of a layer, made if it has none."""
    if not layer.has(name):
        layer.set(name, getattr(layer, name))
    made: Message = getattr(layer, name)
    return made
