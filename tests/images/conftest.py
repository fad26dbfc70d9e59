"""Lets the tests share the odd images, and makers of databases and of damage."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "caffe" / "data"), str(HERE.parent / "formats")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two classes of ten small images each."""
    import torture

    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        for number in range(10):
            image = torture.plain()
            image.putpixel((0, 0), (number, len(name), 0))
            image.save(tmp_path / name / f"{number}.png")
    return tmp_path
