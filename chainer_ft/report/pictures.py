"""Pictures; matplotlib is imported where one is drawn, and nowhere else."""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainer_ft.errors import UsageError
from chainer_ft.formats.atomic import replacing


def check_drawable(what: str) -> None:
    """Raise :class:`UsageError` where there is no matplotlib; costs no import.

    Args:
        what: What would be drawn, for the message.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError(f"{what}: pictures are drawn by matplotlib; pip install matplotlib")


def verbatim(text: str) -> str:
    """A name as matplotlib draws it as it is; between two dollar signs it would read a formula."""
    return text.replace("$", r"\$")


@contextmanager
def picture(path: str | os.PathLike[str], width: float = 6.4, height: float = 3.6) -> Iterator[Any]:
    """Give the axes of a new picture, and write it when the block ends.

    No window is opened and no global setting of matplotlib is touched.

    Args:
        path: The file; its suffix says the format (``.png`` where it has none).
        width: In inches; a PNG has 100 points an inch.
        height: In inches.

    Yields:
        matplotlib.axes.Axes: To draw on.

    Raises:
        UsageError: There is no matplotlib, or it does not know the format.
        FormatError: The file cannot be written.
    """
    check_drawable(str(path))
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100)
    suffix = Path(path).suffix[1:].lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if suffix not in known:
        raise UsageError(f"{path}: pictures are written as {', '.join(sorted(known))}")
    yield figure.add_subplot()
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # names may be in any script
        figure.savefig(temporary, format=suffix, bbox_inches="tight")
