"""Plugins installed for one test: real distributions in a folder on ``sys.path``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from chainer_ft.host import set_default_host
from chainer_ft.testing import write_distribution

Install = Callable[..., str]
_NUMBERS = count()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def install(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install(code, name, distribution, version, entry)``; a module is imported once only."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delenv("CHAINER_FT_PLUGINS", raising=False)
    monkeypatch.delenv("CHAINER_FT_STRICT_PLUGINS", raising=False)

    def install(
        code: str = "",
        name: str = "odd",
        distribution: str = "odd-plugin",
        version: str = "1.2",
        entry: str = "{}",
    ) -> str:
        module = f"plugin_under_test_{next(_NUMBERS)}"
        files = {f"{module}.py": HEAD + code}
        write_distribution(site, distribution, {name: entry.format(module)}, files, version)
        monkeypatch.syspath_prepend(str(site))  # once more: it empties importlib's caches
        return module

    yield install
    set_default_host(None)


HEAD = """\
from chainer_ft import hookimpl
from chainer_ft.types import *
from chainer_ft.types import Clash, Pair, Tie

"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A source of ones and a target of zeros."""
    for name, number in (("a.npz", 1), ("b.npz", 0)):
        arrays = {"fc/W": np.full((2, 3), number, "f4"), "fc/b": np.full(2, number, "f4")}
        np.savez(tmp_path / name, **arrays)
    return str(tmp_path / "a.npz"), str(tmp_path / "b.npz")
