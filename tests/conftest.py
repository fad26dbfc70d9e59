"""Fixtures that every part of the suite uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chainer_ft  # noqa: F401  before any test file imports chainer

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files beside the checkout; a user's clone has none."""
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{SHARED} is missing, and this is CI")
        pytest.skip("needs the folder of real files beside the checkout, ../shared")
    return SHARED


@pytest.fixture(scope="module")
def cuda() -> Iterator[Any]:
    """``chainer.backends.cuda`` on a machine that has a GPU."""
    cupy = pytest.importorskip("cupy", reason="needs CuPy", exc_type=ImportError)
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        count = 0
    if count == 0:
        pytest.skip("needs a GPU")
    from chainer.backends import cuda

    with cuda.get_device_from_id(0):
        yield cuda
