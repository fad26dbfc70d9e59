"""`import chainer_ft` and what it does to a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata, util
from pathlib import Path

import numpy
import pytest
from numpy.lib import NumpyVersion

from chainer_ft import compat
from chainer_ft.compat._patches import PATCHES

BLOCK_SETUPTOOLS = """
import sys
for name in ("setuptools", "pkg_resources", "distutils", "_distutils_hack"):
    sys.modules[name] = None
"""


def python(code: str, *options: str) -> str:
    """Run code in a new interpreter; returns what it printed."""
    command = [sys.executable, *options, "-c", code]
    root = str(Path(compat.__file__).parents[2])
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_it_is_cheap() -> None:
    loaded = python("import sys, chainer_ft; print(*sys.modules)").split()
    assert "chainer_ft.compat" in loaded
    assert not {"numpy", "chainer", "google.protobuf", "multiprocessing"} & set(loaded)


def test_chainer_imports_with_warnings_as_errors(tmp_path: Path) -> None:
    # a cache of its own, so that everything is compiled and can warn about its syntax
    code = "import chainer_ft, chainer, chainer.testing, chainer.links.caffe; print(chainer.cuda)"
    cache = f"pycache_prefix={tmp_path}"
    assert "chainer" in python(code, "-W", "error", "-X", cache)


def test_chainer_imports_without_setuptools() -> None:
    code = BLOCK_SETUPTOOLS + "import chainer_ft, chainer.testing; print(chainer.__version__)"
    assert python(code).startswith("7.8.1")


def test_chainer_alone_does_not_import_here() -> None:
    if NumpyVersion(numpy.__version__) < "2.0.0":
        pytest.skip("NumPy 1 is installed")
    code = "try:\n    import chainer\nexcept Exception as error:\n    print(repr(error))"
    assert "Error" in python(BLOCK_SETUPTOOLS + code)


def test_a_failed_import_of_chainer_can_be_repeated() -> None:
    code = """
try:
    import chainer
except Exception:
    pass
import chainer_ft, chainer, numpy
text = chainer.Variable(numpy.zeros(1, "f")).debug_print()
print(text, [patch for patch in chainer_ft.compat.status() if patch.state == "failed"])
"""
    printed = python(code)
    assert "- device: CPU" in printed
    assert printed.endswith("[]\n")


def test_chainer_files_are_untouched() -> None:
    distribution = metadata.distribution("chainer")
    assert distribution.version == "7.8.1"
    files = {str(file) for file in distribution.files or ()}
    assert "chainer/links/caffe/protobuf3/caffe_pb2.py" in files


def test_installing_twice_changes_nothing() -> None:
    before = list(sys.meta_path)
    compat.install()
    assert sys.meta_path == before


def test_nothing_failed_here() -> None:
    import chainer  # noqa: F401

    assert [patch for patch in compat.status() if patch.state == "failed"] == []


def test_names_are_unique() -> None:
    assert len({patch.name for patch in PATCHES}) == len(PATCHES)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_the_place_in_chainer_exists(patch: compat.Patch) -> None:
    if patch.name == "legacy-aliases":
        pytest.skip("its place is scripts, not Chainer")
    spec = util.find_spec("chainer")
    assert spec is not None and spec.origin is not None
    site = Path(spec.origin).parents[1]
    for part in patch.where.split(", "):
        name, _, lines = part.partition(":")
        if name:
            text = (site / name).read_text(encoding="utf-8").splitlines()
        for line in lines.split("-"):
            assert text[int(line) - 1].strip(), f"line {line} of {part} is empty"
