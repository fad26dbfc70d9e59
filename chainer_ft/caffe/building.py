"""From a LayerParameter to what computes it: a built-in layer, or one of a plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chainer_ft.caffe.layers import KINDS, UNSUPPORTED, Kind
from chainer_ft.caffe.layers.base import NetError, layer_error, title
from chainer_ft.caffe.layers.table import MANY
from chainer_ft.caffe.message import Message, Unknown
from chainer_ft.caffe.text_tokens import TextPlace
from chainer_ft.errors import ChainerFTError, PluginError, UsageError
from chainer_ft.host import Host
from chainer_ft.select import nearest
from chainer_ft.types import CaffeLayer

Call = Callable[..., Any]


def build_layer(layer: Message, phase: str, host: Host) -> Call:
    """What computes the tops of a layer from its bottoms; a Link if it has weights.

    Args:
        layer: A ``LayerParameter``.
        phase: ``TRAIN`` or ``TEST``; the layer's own counts more.
        host: Where plugins are asked.

    Raises:
        NetError: The type is unknown, or the layer is not as it should be; with file, line, layer.
    """
    phase = layer.phase if layer.has("phase") else phase
    plugin = _of_plugin(layer, host)
    if plugin is not None:
        return _built(layer, lambda: plugin.build(layer, phase))
    kind = KINDS.get(layer.type)
    if kind is None:
        raise _unknown_type(layer, host)
    _check(layer, kind)
    return _built(layer, lambda: kind.build(layer, phase))


def _built(layer: Message, build: Callable[[], Any]) -> Call:
    try:
        call = build()
    except ChainerFTError:
        raise
    except Exception as error:
        raise layer_error(layer, f"cannot be built: {type(error).__name__}: {error}") from error
    if not callable(call):
        raise layer_error(layer, f"the plugin built a {type(call).__name__}, not a function")
    made: Call = call
    return made


def _of_plugin(layer: Message, host: Host) -> CaffeLayer | None:
    """The plugin of a type; one for a single Python class comes before one for all of them."""
    offered = host.all(CaffeLayer)
    return next((offered[name].item for name in _names(layer) if name in offered), None)


def _names(layer: Message) -> list[str]:
    """What a plugin may call a layer's type."""
    python = layer.python_param
    own = [f"Python:{python.module}.{python.layer}"] if layer.type == "Python" else []
    return [*own, layer.type]


def _unknown_type(layer: Message, host: Host) -> NetError:
    try:
        host.get(CaffeLayer, layer.type)
    except PluginError as error:  # two plugins claim it
        return layer_error(layer, str(error), "type")
    except UsageError:
        pass
    if layer.type in UNSUPPORTED:
        trouble = "is not supported"
    else:
        trouble = f"is not known; {nearest(layer.type, [*KINDS, *host.all(CaffeLayer)])}"
    remedy = f"a plugin can provide {_names(layer)[0]!r} (hook chainer_ft_caffe_layers)"
    return layer_error(layer, f"this type {trouble}; {remedy}", "type")


def _check(layer: Message, kind: Kind) -> None:
    _check_count(layer, "bottom", kind.bottoms)
    tops = (0, kind.tops[1]) if kind.is_loss else kind.tops
    _check_count(layer, "top", tops)
    for owner, unknown in unknown_fields(layer):
        if isinstance(unknown.place, TextPlace):  # Caffe passes over them in binary files
            known = nearest(unknown.name, owner.kind.fields)
            trouble = f"{owner.kind.name} has no field {unknown.name!r}; {known}"
            raise NetError(f"{unknown.place}: {title(layer)}: {trouble}")
    extra = len(layer.bottom) - len(layer.top)
    if kind.extra_bottoms not in (None, extra):
        wanted = (
            "as many tops as bottoms" if not kind.extra_bottoms else "one bottom more than tops"
        )
        raise layer_error(layer, f"takes {wanted}", "top")
    if not kind.in_place and set(layer.bottom) & set(layer.top):
        raise layer_error(layer, "cannot work in place; give its top another name", "top")


def _check_count(layer: Message, field: str, limits: tuple[int, int]) -> None:
    count, (least, most) = len(getattr(layer, field)), limits
    if least <= count <= most:
        return
    wanted = str(least) if least == most else f"{least} or more"
    if least != most and most != MANY:
        wanted = f"{least} to {most}"
    raise layer_error(layer, f"has {count} {field}s, and takes {wanted}", field)


def unknown_fields(message: Message) -> Iterator[tuple[Message, Unknown]]:
    """The fields that the schema does not have, in a message and in those inside it.

    Yields:
        tuple: The message that the field is in, and the field.
    """
    yield from ((message, unknown) for unknown in message.unknown)
    for field in message.set_fields():
        if field.is_message:
            value = getattr(message, field.name)
            for item in value if field.is_repeated else [value]:
                yield from unknown_fields(item)
