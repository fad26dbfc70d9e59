"""The part of a model that gives a score for each class."""

from __future__ import annotations

from typing import Any

import chainer
import numpy as np

from chainer_ft.caffe.net import Net
from chainer_ft.errors import ChainerFTError, UsageError
from chainer_ft.finetune.head import find_head


class Scores(chainer.Chain):  # type: ignore[misc]
    """A Caffe net that gives one of its blobs, and computes no more than that needs.

    Args:
        net: The net.
        blob: Name of the blob: what the last InnerProduct gives, not what a Softmax makes of it.
    """

    def __init__(self, net: Net, blob: str) -> None:
        super().__init__()
        self.blob = blob
        with self.init_scope():
            self.net = net

    def forward(self, x: Any) -> chainer.Variable:
        """Scores, (n, classes), of inputs (n, channels, height, width)."""
        (scores,) = self.net(x, outputs=[self.blob])
        return scores if scores.ndim == 2 else scores.reshape(len(scores), -1)


def predictor(model: chainer.Link, head: str | None = None) -> chainer.Link:
    """What :class:`chainer.links.Classifier` takes: a link that gives scores, not probabilities.

    Args:
        model: Any link that does so when it is called; or a :class:`chainer_ft.caffe.Net`.
        head: In a Caffe net, path of the layer that gives the scores; by default the last one
            with weights.

    Returns:
        ~chainer.Link: The model itself, or a chain around the net.

    Example:
        >>> from chainer_ft.caffe.prototxt import parse_net
        >>> net = Net(parse_net('''
        ...     layer { name: "data" type: "Input" top: "data" }
        ...     layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        ...             inner_product_param { num_output: 2 } }
        ...     layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }'''))
        >>> predictor(net).blob
        'fc'
    """
    if not isinstance(model, Net):
        return model
    name = (head or find_head(model).path).strip("/")
    for layer in model.layers:
        if layer.name == name:
            return Scores(model, layer.top[0])
    raise UsageError(f"head /{name}: the net has no such layer")


def check_scores(model: chainer.Link, shape: tuple[int, ...], classes: int) -> None:
    """Call a predictor once, so that lazy parameters get their arrays, and see what it gives.

    Args:
        model: What :func:`predictor` gave.
        shape: Channels, height and width of its input.
        classes: How many scores it should give.

    Raises:
        UsageError: It cannot be called so, or gives something else.
    """
    x = model.device.send(np.zeros((2, *shape), np.float32))
    name = type(model).__name__
    try:
        with chainer.using_config("train", False), chainer.no_backprop_mode():
            scores = model(x)
    except ChainerFTError:
        raise
    except Exception as error:  # whatever the user's own code raises
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UsageError(
            f"{name}: cannot be called with inputs {x.shape}: {said}. Give --size HEIGHTxWIDTH "
            "where the size is another; a model for fine-tuning takes images and gives scores"
        ) from error
    found = getattr(scores, "shape", type(scores).__name__)
    if found != (2, classes):
        raise UsageError(
            f"{name}: gives {found} for 2 images, not {(2, classes)}, a score for each class; name "
            "the layer that gives them: --head PATH"
        )
    rows = chainer.backend.CpuDevice().send(scores.array)
    if rows.min() >= 0 and np.allclose(rows.sum(axis=1), 1, atol=1e-5):
        raise UsageError(
            f"{name}: gives probabilities, not scores: leave its softmax to the loss, or the net "
            "learns from the softmax of a softmax"
        )
