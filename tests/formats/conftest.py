"""Lets the tests of this folder share their encoders, and a place for files that are soon gone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A file that lies in memory where the system has such a place."""
    fast = Path("/dev/shm")
    path = (fast if fast.is_dir() else tmp_path) / f"chainer_ft_fuzz_{time.time_ns()}"
    yield path
    path.unlink(missing_ok=True)
