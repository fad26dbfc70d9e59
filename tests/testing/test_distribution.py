"""A distribution as pip would install it."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

from chainer_ft.testing import write_distribution


def test_importlib_finds_it(tmp_path: Path) -> None:
    files = {"my/__init__.py": "", "my/hooks.py": "x = 1\n"}
    folder = write_distribution(tmp_path / "site", "my-plugin", {"my": "my.hooks"}, files, "2.1")
    (found,) = distributions(path=[str(folder)])
    assert (found.metadata["Name"], found.version) == ("my-plugin", "2.1")
    (point,) = found.entry_points
    assert (point.group, point.name, point.value) == ("chainer_ft", "my", "my.hooks")
    assert (folder / "my" / "hooks.py").read_text(encoding="utf-8") == "x = 1\n"
