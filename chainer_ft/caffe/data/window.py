"""The layer ``WindowData``: boxes of images, warped to one size, for R-CNN."""

from __future__ import annotations

import os

import numpy as np

from chainer_ft.caffe.data.images import read_image
from chainer_ft.caffe.data.options import Options, needed
from chainer_ft.caffe.data.resize import resize
from chainer_ft.caffe.data.source import Batch, BatchSource, Stack
from chainer_ft.caffe.data.transform import read_transform
from chainer_ft.caffe.data.window_list import Window, read_windows
from chainer_ft.caffe.data.window_warp import warp_of
from chainer_ft.caffe.message import Message
from chainer_ft.errors import FormatError, UsageError


class WindowSource(BatchSource):
    """Batches of a ``WindowData`` layer: background first, then foreground, drawn at random.

    Args:
        layer: The layer.
        options: Phase, seed, folder.

    Raises:
        FormatError: The list or the mean file cannot be read.
        UsageError: A parameter is missing or impossible.
    """

    def __init__(self, layer: Message, options: Options) -> None:
        self._param = param = layer.window_data_param
        self._crop = needed(layer, layer.transform_param, "crop_size")
        if 2 * param.context_pad >= self._crop:
            raise UsageError(f"{param.where('context_pad')}: no room in a crop of {self._crop}")
        self._transform = read_transform(layer.transform_param, options.train, options.root)
        self._draws = options.draws(layer.name)
        self._root = options.root
        size = needed(layer, param, "batch_size")
        foreground = int(np.float32(size) * np.float32(param.fg_fraction))
        source = os.path.join(options.root, needed(layer, param, "source"))
        windows = read_windows(source)
        self._kinds = [
            (size - foreground, [w for w in windows if self._is_background(w)]),
            (foreground, [w for w in windows if self._is_foreground(w)]),
        ]
        self._check(source)

    def _is_foreground(self, window: Window) -> bool:
        return bool(np.float32(window.overlap) >= np.float32(self._param.fg_threshold))

    def _is_background(self, window: Window) -> bool:
        is_little = np.float32(window.overlap) < np.float32(self._param.bg_threshold)
        return bool(is_little) and not self._is_foreground(window)

    def _check(self, source: str) -> None:
        for (count, windows), what in zip(self._kinds, ("background", "foreground"), strict=True):
            if count and not windows:
                raise FormatError(
                    f"{source}: lists no window that is {what}, and a batch has {count}"
                )
        for window in self._kinds[1][1]:
            if window.label < 1:
                raise FormatError(
                    f"{window.line}: a foreground window of class {window.label}; classes begin "
                    "with 1, 0 is the background"
                )

    def batch(self, index: int) -> Batch:
        random = self._draws.at("batch", index)
        stack, labels = Stack(sum(count for count, _ in self._kinds)), []
        for is_foreground, (count, windows) in enumerate(self._kinds):
            for _ in range(count):
                window = windows[int(random.integers(len(windows)))]
                flip = self._transform.mirror and bool(random.integers(2))
                crop = self._image(window, flip)
                stack.slot(crop.shape, window.line)[...] = crop
                labels.append(window.label if is_foreground else 0)
        return stack.images, np.array(labels, np.float32)

    def _image(self, window: Window, flip: bool) -> np.ndarray:
        """The crop; what lies outside of the image is 0, as after the mean was subtracted."""
        path = os.path.join(self._root, self._param.root_folder + window.path)
        try:
            image = read_image(path)
        except FormatError as error:
            raise FormatError(f"{window.line}: {error}") from error
        square = self._param.crop_mode == "square"
        box, pad = (window.x1, window.y1, window.x2, window.y2), self._param.context_pad
        warp = warp_of(box, image.shape[1:], self._crop, pad, square, flip)
        part = image[:, max(warp.y1, 0) : warp.y2 + 1, max(warp.x1, 0) : warp.x2 + 1]
        if part.shape[1:] != (warp.y2 - warp.y1 + 1, warp.x2 - warp.x1 + 1) or not part.size:
            raise FormatError(f"{window.line}: the window {box} is not inside of the image")
        out = np.zeros((image.shape[0], self._crop, self._crop), np.float32)
        if warp.width > 0 and warp.height > 0:
            pixels = resize(part, warp.height, warp.width).astype(np.float32)
            inside = np.s_[:, warp.top : warp.top + warp.height, warp.left : warp.left + warp.width]
            mean = self._mean(out.shape, window.line)[inside]
            out[inside] = (pixels[:, :, ::-1] if flip else pixels) - mean
            out[inside] *= np.float32(self._param.scale)
        return out

    def _mean(self, shape: tuple[int, ...], where: str) -> np.ndarray:
        """What to subtract from each pixel of a crop; of a mean image, its middle."""
        mean = self._transform.mean
        if mean is None:
            flat = self._transform.mean_of(shape, where)
            return np.broadcast_to(0.0 if flat is None else flat, shape).astype(np.float32)
        offset = (mean.shape[2] - self._crop) // 2
        if offset < 0 or mean.shape[0] != shape[0] or mean.shape[1] < offset + self._crop:
            raise FormatError(
                f"{where}: the mean image {mean.shape} is smaller than a crop of {self._crop}, or "
                "has other channels"
            )
        return mean[:, offset : offset + self._crop, offset : offset + self._crop]
