"""Paths that lead nowhere, parts of files, and loaders in their order."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.errors import PluginError
from chainer_ft.host import Host
from chainer_ft.testing import ArraySource
from chainer_ft.types import Saver, SourceLoader


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.savez(tmp_path / "vgg.npz", **{"a/W": np.ones(2), "a/b/W": np.ones(3)})
    return tmp_path / "vgg.npz"


def test_a_missing_file_comes_with_the_nearest(file: Path) -> None:
    with pytest.raises(ft.ChainerFTError, match=r"vg\.npz: there is no such file; did you .*vgg"):
        ft.open(file.with_name("vg.npz"))
    with pytest.raises(ft.ChainerFTError, match=r"there is no such file; see `ls .+`$"):
        ft.open(file.with_name("qqqq"))
    with pytest.raises(ft.ChainerFTError, match=r"no such file, nor a folder .*; see `ls "):
        ft.open(file.parent / "none" / "vgg.npz")


def test_a_model_is_no_file() -> None:
    with pytest.raises(
        ft.ChainerFTError, match=r"^nets\.py:Net: is a model, not a file of weights"
    ):
        ft.open("nets.py:Net")


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ft.ChainerFTError, match="is no regular file"):
        ft.open(tmp_path / "pipe")


def test_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ft.ChainerFTError, match="cannot be opened: No such file"):
        ft.open(tmp_path / "link")


def test_a_part_of_a_file(file: Path) -> None:
    with ft.open(f"{file}::/a/b") as source:
        assert source.listing.paths == ("/W",)
        assert source.name.endswith("vgg.npz::/a/b")
    with pytest.raises(ft.ChainerFTError, match="has nothing below /c; nearest: /a"):
        ft.open(f"{file}::/c")


def test_a_file_that_is_really_called_so(file: Path) -> None:
    odd = file.with_name("x::y.npz")
    odd.write_bytes(file.read_bytes())
    with ft.open(odd) as source:
        assert len(source.listing) == 2


def test_the_surest_loader_opens(file: Path) -> None:
    opened = []

    def loader(name: str, confidence: float) -> SourceLoader:
        def open_it(path: str) -> ft.types.Source:
            opened.append(name)
            return ft.open(path)

        return SourceLoader(name, "for a test", (), lambda head, path: confidence, open_it)

    class Plugin:
        """Two loaders."""

        @staticmethod
        @ft.hookimpl
        def chainer_ft_source_loaders() -> list[SourceLoader]:
            return [loader("weak", 0.2), loader("strong", 1.0)]

    host = Host(installed=False)
    host.register(Plugin, "two")
    ft.open(file, host=host).close()
    assert opened == ["strong"]


def test_a_built_in_that_fails_is_named_as_plugins_are(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("odd")

    def certain(head: bytes, path: str) -> float:
        return 1.0

    class BuiltIn:
        """A loader and a saver with a mistake."""

        @staticmethod
        @ft.hookimpl
        def chainer_ft_source_loaders() -> list[SourceLoader]:
            return [SourceLoader("odd", "for a test", (), certain, fail)]

        @staticmethod
        @ft.hookimpl
        def chainer_ft_savers() -> list[Saver]:
            return [Saver("odd", "for a test", (".odd",), fail)]

    monkeypatch.setattr("chainer_ft.builtin.PLUGINS", {"builtin.odd": BuiltIn})
    host = Host(installed=False)
    failed = r" 'odd' of plugin builtin.odd \(chainer-ft .*\) failed: ZeroDivisionError: odd; block"
    with pytest.raises(PluginError, match=rf"{file.name}: loader{failed}"):
        ft.open(file, host=host)
    with pytest.raises(PluginError, match=rf"new.odd: saver{failed}"):
        ft.save(file.with_name("new.odd"), ArraySource({"/W": np.ones(2)}), host=host)
    assert [record.state for record in host.records()] == ["broken"]
    assert not file.with_name("new.odd").exists()
