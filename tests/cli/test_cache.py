"""``chainer-ft cache`` and ``--cache``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from chainer_ft.cli.main import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAINER_FT_CACHE", str(tmp_path / "cache"))
    np.savez_compressed("net.npz", W=np.ones(10, "f"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    "command",
    [
        ["show", "net.npz"],
        ["copy", "net.npz", "new.npz"],
        ["convert", "net.npz", "new.h5"],
        ["plan", "net.npz", "new.npz"],
    ],
)
def test_each_verb_that_opens(folder: Path, command: list[str]) -> None:
    assert main(command) == 0
    assert not folder.exists()
    assert main([*command, "--cache"]) == 0
    assert len(list(folder.iterdir())) == 1


def test_list_and_clear(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "net.npz", "--cache"]) == 0
    capsys.readouterr()
    assert main(["cache", "list"]) == 0
    assert f"bytes in {folder}" in capsys.readouterr().out
    assert main(["cache", "list", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["schema"], len(data["files"])) == ("chainer_ft.cache_list/1", 1)
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out.startswith(f"freed {data['files'][0]['bytes']:,} bytes")
    assert list(folder.iterdir()) == []
    assert main(["cache", "clear"]) == 0


def test_an_unknown_action(folder: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["cache", "burn"])


def test_a_folder_that_cannot_be_used_fails_no_verb(
    folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file in its place")
    commands = (["show", "net.npz", "--cache"], ["cache", "list"], ["cache", "clear"])
    for command in commands:
        caplog.clear()
        assert main(command) == 0
        assert f"nothing is cached in {folder}" in caplog.text
    assert "/W" in capsys.readouterr().out
    assert folder.read_text() == "a file in its place"


@pytest.mark.parametrize("command", [["show", "net.npz", "--cache"], ["cache", "list"]])
def test_a_limit_that_is_no_number(
    folder: Path,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHAINER_FT_CACHE_BYTES", "8GB")
    assert main(command) == 2
    assert "CHAINER_FT_CACHE_BYTES is '8GB'" in capsys.readouterr().err


def test_clear_reports_no_more_than_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHAINER_FT_CACHE_BYTES", "8GB")
    folder.mkdir()
    kept = folder / f"{'0' * 64}.npz"
    kept.write_bytes(b"12345")
    assert main(["cache", "clear"]) == 2  # the limit is wrong: nothing is done
    assert kept.exists()
    monkeypatch.delenv("CHAINER_FT_CACHE_BYTES")
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out.startswith("freed 5 bytes")
