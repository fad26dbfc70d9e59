"""The picture of both curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no screen is needed

import matplotlib.pyplot as plt
import numpy as np

COLOURS = {"fine-tuned": "#1b7837", "from scratch": "#999999"}


def draw(path: Path, curves: Mapping[str, np.ndarray], every: int, title: str) -> None:
    """Draw the mean over seeds, and every seed thinly behind it.

    Args:
        path: PNG file.
        curves: Accuracies of shape ``(seeds, points)`` by name.
        every: Steps between two points.
        title: What the picture shows.
    """
    figure, axes = plt.subplots(figsize=(6.4, 3.6), dpi=100)
    for name, rows in curves.items():
        steps = np.arange(rows.shape[1]) * every
        axes.plot(steps, 100 * rows.T, color=COLOURS[name], alpha=0.25, linewidth=0.8)
        axes.plot(steps, 100 * rows.mean(0), color=COLOURS[name], linewidth=2, label=name)
    axes.set(xlabel="training step", ylabel="test accuracy, %", xlim=(0, None), ylim=(0, 100))
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(path, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
