"""The picture of how far each layer has moved."""

from __future__ import annotations

import os
from collections.abc import Sequence

from chainer_ft.report.pictures import picture, verbatim

#: More lines than this are told apart by a scale of depth and not by name.
_NAMED = 12


def save_drift(
    path: str | os.PathLike[str], epochs: Sequence[float], drifts: Sequence[dict[str, float]]
) -> None:
    """Draw a line for each layer, first layers dark, last ones bright.

    Args:
        path: The picture; its suffix says the format.
        epochs: When it was measured.
        drifts: Relative distances by layer, at each of these.

    Raises:
        UsageError: There is no matplotlib.
        FormatError: The file cannot be written.
    """
    layers = list(dict.fromkeys(layer for one in drifts for layer in one if layer))
    with picture(path) as axes:
        import matplotlib

        colours = matplotlib.colormaps["viridis"].resampled(max(len(layers), 2))
        for i, layer in enumerate(layers):
            values = [one.get(layer, float("nan")) for one in drifts]
            axes.plot(epochs, values, ".-", color=colours(i), label=verbatim(layer), linewidth=1)
        axes.set(xlabel="epoch", ylabel="distance from the start / size at the start")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        if 0 < len(layers) <= _NAMED:
            axes.legend(frameon=False, fontsize="small")
        elif layers:
            limits = matplotlib.colors.Normalize(1, len(layers))
            scale = matplotlib.cm.ScalarMappable(limits, colours)
            axes.figure.colorbar(scale, ax=axes, label="layer, in the model's order")
