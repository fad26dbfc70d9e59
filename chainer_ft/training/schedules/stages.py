"""What a person would call the layers or blocks of a model."""

from __future__ import annotations

import chainer

from chainer_ft.links import Slot, children, slots


def stages_of(model: chainer.Link) -> list[list[str]]:
    """The children of a model from the input to the head, as stages of unfreezing.

    A link that only wraps another, as Classifier does, is looked through. A child without a
    matrix or kernel, a BatchNormalization say, belongs to the stage before it.

    Args:
        model: The model.

    Returns:
        list of lists of str: Paths of the children, by stage.

    Example:
        >>> L = chainer.links
        >>> net = chainer.Sequential(L.Linear(2, 4), L.BatchNormalization(4), L.Linear(4, 2))
        >>> stages_of(L.Classifier(net))
        [['/predictor/0', '/predictor/2'], ['/predictor/1']]
    """
    stages: list[list[str]] = []
    for path, has_weights in _children(model):
        if has_weights or not stages:
            stages.append([path])
        else:
            stages[-1].append(path)
    return stages


def _children(model: chainer.Link, prefix: str = "") -> list[tuple[str, bool]]:
    """Paths of the children with parameters, and whether there is a matrix or kernel in them."""
    links = {f"/{name}": link for name, link in children(model)}
    params = {path: [s for s in slots(link) if s.kind == "param"] for path, link in links.items()}
    filled = [path for path in links if params[path]]
    if len(filled) == 1 and not model._params and isinstance(links[filled[0]], _CONTAINERS):
        return _children(links[filled[0]], prefix + filled[0])
    return [(prefix + path, any(map(_is_weight, params[path]))) for path in filled]


_CONTAINERS = (chainer.Chain, chainer.ChainList)


def _is_weight(slot: Slot) -> bool:
    """Whether a parameter is a matrix or a kernel; by its name as long as it has no shape."""
    return slot.name == "W" if slot.array is None else slot.array.ndim > 1
