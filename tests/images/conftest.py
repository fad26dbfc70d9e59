"""Lets the tests of this folder share the odd images, and the makers of databases."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "caffe" / "data")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two classes of ten small images each."""
    import torture

    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        for number in range(10):
            torture.plain().save(tmp_path / name / f"{number}.png")
    return tmp_path
