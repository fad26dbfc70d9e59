"""Every hook has a page with its exact signature, and every page has a hook."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from chainer_ft import hookspecs
from chainer_ft.host.records import KINDS
from chainer_ft.host.validate import HOOKS

DOCS = Path(__file__).parents[2] / "docs"
PREFIX = "chainer_ft_"


def page(hook: str) -> str:
    return (DOCS / "hooks" / f"{hook.removeprefix(PREFIX)}.md").read_text(encoding="utf-8")


def test_every_page_has_a_hook() -> None:
    pages = {PREFIX + path.stem for path in (DOCS / "hooks").glob("*.md")}
    assert pages == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
class TestPage:
    def test_it_begins_with_the_signature(self, hook: str) -> None:
        signature = str(inspect.signature(getattr(hookspecs, hook))).replace("'", "")
        assert page(hook).startswith(f"# {hook}\n\n```python\ndef {hook}{signature}\n```\n")

    def test_it_says_what_comes_back_and_what_happens_when_it_fails(self, hook: str) -> None:
        headings = re.findall(r"^## (.*)$", page(hook), re.MULTILINE)
        assert headings == ["What it returns", "Example", "When it fails"]

    def test_its_example_uses_the_hook(self, hook: str) -> None:
        assert re.search(rf"^    \.\.\.     def {hook}\(self", page(hook), re.MULTILINE)
        assert "host.register(Plugin(), " in page(hook)


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_field_is_explained(kind: type) -> None:
    rows = re.findall(r"^\| `(\w+)` \| .", page(KINDS[kind].hook), re.MULTILINE)
    assert rows == [field.name for field in fields(kind)]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_guide_names_every_hook_with_its_page(hook: str) -> None:
    guide = (DOCS / "plugins.md").read_text(encoding="utf-8")
    assert f"[`{hook}`](hooks/{hook.removeprefix(PREFIX)}.md)" in guide
