"""``import chainer_ft`` is light, and public names resolve when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import chainer_ft

CODE = """
import sys
before = set(sys.modules)
import chainer_ft
heavy = {"chainer", "numpy", "h5py", "google.protobuf", "pluggy"} & (set(sys.modules) - before)
assert not heavy, heavy
assert chainer_ft.HOOK_API == 1
"""


def test_importing_is_light() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", CODE], check=True, timeout=60)


@pytest.mark.parametrize("name", chainer_ft.__all__)
def test_public_names_resolve(name: str) -> None:
    assert getattr(chainer_ft, name) is not None
    assert name in dir(chainer_ft)


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'opne'"):
        _ = chainer_ft.opne  # type: ignore[attr-defined]
