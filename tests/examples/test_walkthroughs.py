"""The walk-throughs on real photographs and real weights, with a smaller budget than the pages'."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import chainer_ft as ft
from chainer_ft.finetune import api

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "recipes"
PAGES = ("replace_last_layer", "four_scenarios", "blocks_from_two_files", "head_at_ten_times")
#: What each run has less of than on the page.
BUDGET = {"epochs": 2, "per_class": 3, "val": 0.1, "batch_size": 10, "workers": 0}


@pytest.fixture
def folder(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the pages name."""
    quick = shared / "data/caffe/cifar10_quick_v1_everpeace"
    other = shared / "data/caffe/cifar10_h5_bxuan694"
    for name, path in {
        "cifar10_quick.prototxt": quick / "cifar10_quick.prototxt",
        "cifar10_quick.caffemodel": quick / "cifar10_quick_iter_4000.caffemodel",
        "other_cifar10_quick.caffemodel.h5": other / "cifar10_quick_iter_5000.caffemodel.h5",
    }.items():
        (tmp_path / name).symlink_to(path)
    for digit in sorted((shared / "data/datasets/sign_language_digits").iterdir()):
        (tmp_path / "photos" / digit.name).mkdir(parents=True)
        for photo in sorted(digit.iterdir())[:30]:
            shutil.copy(photo, tmp_path / "photos" / digit.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_the_page_does_what_it_says(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def less(*given: Any, **options: Any) -> Any:
        return api.fine_tune(*given, **{**options, **BUDGET})

    monkeypatch.setattr(ft, "fine_tune", less, raising=False)
    text = (RECIPES / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 1
    names: dict[str, Any] = {}
    for block in blocks:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block, f"{name}.md", "exec"), names)
