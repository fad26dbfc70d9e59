"""What the README says, against what is there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import chainer
import pytest

import chainer_ft as ft
from chainer_ft.cli.main import main
from chainer_ft.host import Host
from chainer_ft.types import Subcommand

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "docs/index.md")),
    *(ROOT / "docs").glob("*/*.md"),
    *(ROOT / "examples").glob("*/README.md"),
    ROOT / "benchmarks/README.md",
]


def test_lists_every_verb() -> None:
    listed = README.split("\n## The command\n")[1].split("\n## ")[0]
    told = re.findall(r"^    chainer-ft (\w+) ", listed, re.M)
    assert told == list(Host(installed=False).all(Subcommand))


def test_make_has_the_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^    make (\w+)", README, re.M)
    assert targets and all(re.search(rf"^{target}:", makefile, re.M) for target in targets)


def test_copy_map_is_what_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "examples" / "digits", tmp_path / "examples" / "digits")
    (tmp_path / "out" / "digits").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("examples/digits")
    from models import ZeroToFour

    chainer.serializers.save_npz("out/digits/source.npz", ZeroToFour())
    shown = re.search(
        r"<!-- copy map -->\n```console\n\$ chainer-ft ([^\n]*)\n(.*?)```", README, re.DOTALL
    )
    assert shown is not None
    assert main(shown[1].split()) == 0
    assert capsys.readouterr().out == shown[2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_version_has_an_entry_in_the_changes() -> None:
    assert f"## {ft.__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
