"""Fixtures that every part of the suite uses."""

from __future__ import annotations

import os
from pathlib import Path

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
