"""The table in docs/compat.md is the registry, word for word."""

from __future__ import annotations

from pathlib import Path

from chainer_ft.compat._patches import PATCHES
from chainer_ft.compat._registry import SKIP_VARIABLE

DOCUMENT = Path(__file__).parents[2] / "docs" / "compat.md"


def test_the_table_is_the_registry() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    rows = lines[lines.index("| patch | Chainer 7.8.1 | reason |") + 2 :]
    assert rows == [f"| `{patch.name}` | {patch.where} | {patch.reason} |" for patch in PATCHES]


def test_the_switch_is_documented() -> None:
    assert f"{SKIP_VARIABLE}=" in DOCUMENT.read_text(encoding="utf-8")
