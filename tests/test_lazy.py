"""Names that are imported when they are first used."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

LAZY = ["chainer_ft", "chainer_ft.caffe", "chainer_ft.caffe.solver", "chainer_ft.images"]


@pytest.mark.parametrize("package", LAZY)
def test_every_name_is_there(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=f"^module '{package}' has no attribute 'nothing'$"):
        _ = module.nothing


@pytest.mark.parametrize("package", LAZY)
def test_the_package_alone_loads_neither_chainer_nor_numpy(package: str) -> None:
    code = f"import sys, {package}; print({{'chainer', 'numpy'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
