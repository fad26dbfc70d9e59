"""Which layers a net has in a phase, stage and level. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.text_tokens import PrototxtError
from chainer_ft.errors import UsageError


def net_state(
    net: Message, phase: str | None = None, stages: Sequence[str] = (), level: int | None = None
) -> Message:
    """The ``NetState`` of a net: its own, and over it what the caller says.

    Args:
        net: A ``NetParameter``.
        phase: ``TRAIN`` or ``TEST``; by default the net's own, else ``TEST``.
        stages: Added to the net's own.
        level: Instead of the net's own.

    Raises:
        UsageError: There is no such phase.
    """
    if phase not in (None, "TRAIN", "TEST"):
        raise UsageError(f"phase is TRAIN or TEST, not {phase!r}")
    if isinstance(stages, str):  # a string is a sequence of strings, too
        stages = [stages]
    state: Message = net.state.copy()
    if phase is not None:
        state.set("phase", phase)
    if level is not None:
        state.set("level", level)
    state.set("stage", [*state.stage, *stages])
    return state


def kept_layers(net: Message, state: Message) -> list[Message]:
    """The layers of a net that its rules keep.

    Raises:
        PrototxtError: A layer has both include and exclude rules.

    Example:
        >>> from chainer_ft.caffe.prototxt import parse_net
        >>> net = parse_net('layer { name: "a" include { phase: TRAIN } } layer { name: "b" }')
        >>> [layer.name for layer in kept_layers(net, net_state(net, "TEST"))]
        ['b']
    """
    return [layer for layer in net.layer if _is_kept(layer, state)]


def _is_kept(layer: Message, state: Message) -> bool:
    if layer.has("include") and layer.has("exclude"):
        raise PrototxtError(
            f"{layer.where('exclude')}: layer {layer.name!r} has both include and exclude rules; "
            "Caffe takes one kind"
        )
    if layer.has("include"):
        return any(meets(rule, state) for rule in layer.include)
    return not any(meets(rule, state) for rule in layer.exclude)


def meets(rule: Message, state: Message) -> bool:
    """Whether a state meets a ``NetStateRule``."""
    if rule.has("phase") and rule.phase != state.phase:
        return False
    if rule.has("min_level") and state.level < rule.min_level:
        return False
    if rule.has("max_level") and state.level > rule.max_level:
        return False
    stages = set(state.stage)
    return stages.issuperset(rule.stage) and stages.isdisjoint(rule.not_stage)


def without_rules(stored: Message) -> Message:
    """The net of a file of weights: its layers were chosen when it was written."""
    net = stored.copy()
    for layer in net.layer:
        layer.clear("include", "exclude", "phase")
    return net
