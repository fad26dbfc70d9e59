"""What families of weights for ImageNet expect, by the names that Keras gives them."""

from __future__ import annotations

from dataclasses import replace

from chainer_ft.images.preprocessing import Preprocessing

_IMAGENET = Preprocessing((224, 224), crop=0.875)
PRESETS = {
    "chainer": _IMAGENET,
    "caffe": replace(_IMAGENET, channels="BGR", scale=1.0, mean=(103.939, 116.779, 123.68)),
    "torch": replace(
        _IMAGENET, scale=1.0, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)
    ),
    "tf": replace(_IMAGENET, scale=1 / 127.5, mean=(127.5,)),
}
