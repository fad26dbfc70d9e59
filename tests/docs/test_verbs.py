"""Every verb has a page; its help and its transcripts are what the program prints."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from chainer_ft.host import Host
from chainer_ft.types import Subcommand

DOCS = Path(__file__).parents[2] / "docs"
VERBS = list(Host(installed=False).all(Subcommand))
REMEDY = "run `python docs/update_help.py` and look at what changed"


def _update_help() -> ModuleType:
    spec = importlib.util.spec_from_file_location("update_help", DOCS / "update_help.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


docs = _update_help()


def page(verb: str) -> str:
    return (DOCS / "verbs" / f"{verb}.md").read_text(encoding="utf-8")


def test_every_page_has_a_verb() -> None:
    assert {path.stem for path in (DOCS / "verbs").glob("*.md")} == set(VERBS)


def words(text: str) -> str:
    """Without what differs between machines and runs: spaces and hashes."""
    return " ".join(re.sub(r"\b[0-9a-f]{64}\b", "HASH", text).split())


def parts(text: str) -> tuple[set[str], str]:
    """A help text as argparse of any version lays it out: what the usage names, and the rest.

    An option of two names is ``-o OUT, --out OUT`` up to Python 3.12, ``-o, --out OUT`` from 3.13.
    """
    usage, _, rest = text.partition("\n\n")
    rest = re.sub(r"(-\w) (\S+), (--[\w-]+) \2", r"\1, \3 \2", rest)
    return set(re.findall(r"--?[a-z][\w-]*|[A-Z][A-Z.0-9-]*", usage)), words(rest)


@pytest.mark.parametrize("verb", VERBS)
class TestPage:
    def test_its_headings(self, verb: str) -> None:
        text = re.sub(r"^```.*?^```$", "", page(verb), flags=re.MULTILINE | re.DOTALL)
        headings = re.findall(r"^#+ .*$", text, re.MULTILINE)
        assert headings == [f"# chainer-ft {verb}", "## Examples", "## Exit codes", "## Help"]

    def test_its_help_is_the_programs(self, verb: str) -> None:
        quoted = docs.HELP.search(page(verb))
        assert quoted, "there is no block `text` below `## Help`"
        assert parts(quoted[0]) == parts(docs.help_of(verb)), REMEDY

    def test_its_transcripts_are_what_the_program_prints(self, verb: str) -> None:
        with docs.folder_with_files():
            for quoted in docs.TRANSCRIPT.findall(page(verb)):
                assert words(quoted) == words("".join(docs.replay(quoted))), REMEDY

    def test_it_has_an_example(self, verb: str) -> None:
        assert f"$ chainer-ft {verb}" in page(verb)


def test_two_layouts_of_one_option_are_the_same() -> None:
    old = "usage: x [-o OUT]\n\noptions:\n  -o OUT, --out OUT  the file\n"
    new = "usage: x [-o\n   OUT]\n\noptions:\n  -o, --out OUT      the\n   file\n"
    assert parts(old) == parts(new)
    assert parts(old) != parts(new.replace("file", "folder"))
    assert parts(old) != parts(new.replace("[-o", "[-q"))


def test_the_generator_changes_nothing_that_is_up_to_date() -> None:
    text = page("diff")
    assert words(docs.updated(text, "diff")) == words(text)
    assert docs.updated(text.replace("only in A", "nowhere"), "diff") == docs.updated(text, "diff")
