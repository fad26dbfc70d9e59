"""The recipes' commands print what the pages say; the Python on them is run as doctests, too."""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path

import pytest

from chainer_ft.host import set_default_host

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("caffe_weights", "chainer_copy_model", "snapshot")
RECIPES = [ROOT / "docs" / "recipes" / f"{name}.md" for name in NAMES]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.fixture(params=RECIPES, ids=lambda path: path.stem)
def page(request: pytest.FixtureRequest) -> Path:
    """A recipe."""
    return request.param


@pytest.fixture
def folder(page: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the page's doctests work in, after them; and the current one."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    monkeypatch.chdir(ROOT)
    sys.modules.pop("nets", None)
    made = doctest.DocTestParser().get_doctest(
        page.read_text(encoding="utf-8"), {}, page.stem, str(page), 0
    )
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    assert runner.run(made, clear_globs=False).failed == 0
    monkeypatch.chdir(made.globs["folder"])
    set_default_host(None)
    return Path(made.globs["folder"])


def words(text: str) -> list[str]:
    """In order of the alphabet: save_npz writes a link's arrays in the order of a set."""
    return sorted(re.findall(r"[^\s{},]+", text))


def test_commands_print_what_the_page_says(page: Path, folder: Path) -> None:
    import update_help

    transcripts = update_help.TRANSCRIPT.findall(page.read_text(encoding="utf-8"))
    assert transcripts
    for quoted in transcripts:
        assert words(quoted) == words("".join(update_help.replay(quoted)))


def test_models_on_the_page_are_those_that_are_run(page: Path, folder: Path) -> None:
    shown = re.findall(
        r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.DOTALL
    )
    assert shown == [(folder / "nets.py").read_text(encoding="utf-8")]
