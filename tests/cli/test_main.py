"""Verbs, options, exit codes; sentences and never a traceback."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainer_ft import __version__
from chainer_ft.cli import main as cli
from chainer_ft.cli.main import main
from chainer_ft.host import Host, hookimpl, set_default_host
from chainer_ft.types import Subcommand

ROOT = Path(__file__).parents[2]
VERBS = [
    *("copy", "show", "plan", "diff", "convert", "cache", "schedule"),
    *("train", "predict", "evaluate", "features", "caffe"),
    *("plugins", "doctor", "run"),
]


@pytest.fixture(autouse=True)
def _new_host() -> Iterator[None]:
    yield
    set_default_host(None)


@pytest.fixture
def file(tmp_path: Path) -> str:
    np.savez(tmp_path / "a.npz", **{"fc/W": np.ones((2, 3), "f4"), "fc/b": np.ones(2, "f4")})
    return str(tmp_path / "a.npz")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "chainer_ft", *arguments]


def environment(**more: str) -> dict[str, str]:
    gone = {"NO_COLOR", "PYTHONUNBUFFERED", "CHAINER_FT_PLUGINS", "CHAINER_FT_STRICT_PLUGINS"}
    kept = {key: value for key, value in os.environ.items() if key not in gone}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm", **more}


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=environment(**more), capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def with_verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], Any]], None]:
    """``with_verb(run)`` gives every new host a verb ``oddly``, as if it were built in."""

    def use(function: Callable[[Any], Any]) -> None:
        @hookimpl
        def chainer_ft_subcommands() -> list[Subcommand]:
            return [Subcommand("oddly", "an odd verb", lambda parser: None, function)]

        plugin = SimpleNamespace(chainer_ft_subcommands=chainer_ft_subcommands)
        monkeypatch.setattr("chainer_ft.builtin.PLUGINS", {"builtin.odd": plugin})

    return use


class TestExitCodes:
    def test_0_done(self, file: str) -> None:
        assert main(["show", file]) == 0

    def test_1_refused(self, file: str, tmp_path: Path, capsys: Any) -> None:
        np.savez(tmp_path / "other.npz", **{"conv/W": np.zeros((9, 9), "f4")})
        assert main(["copy", file, str(tmp_path / "other.npz")]) == 1
        assert capsys.readouterr().err.startswith("chainer-ft: ")

    @pytest.mark.parametrize("arguments", [[], ["coppy"], ["-p", "torch", "plugins"]])
    def test_2_usage(self, arguments: list[str]) -> None:
        assert main(arguments) == 2

    @pytest.mark.parametrize(
        "arguments", [["copy"], ["show", "a", "--jsn"], ["--colour", "show"], ["-p"]]
    )
    def test_2_usage_by_argparse(self, arguments: list[str], capsys: Any) -> None:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
        assert "usage: chainer-ft" in capsys.readouterr().err

    def test_3_file_trouble(self, tmp_path: Path, capsys: Any) -> None:
        assert main(["show", str(tmp_path / "no.npz")]) == 3
        assert f"{tmp_path / 'no.npz'}: there is no such file" in capsys.readouterr().err

    def test_3_not_enough_memory(self, with_verb: Any, capsys: Any) -> None:
        with_verb(_raising(MemoryError()))
        assert main(["oddly"]) == 3
        assert capsys.readouterr().err == "chainer-ft: not enough memory\n"

    def test_70_our_own_mistake(self, with_verb: Any, capsys: Any) -> None:
        with_verb(_raising(KeyError("W")))
        assert main(["oddly"]) == 70
        said = capsys.readouterr().err
        assert said.startswith("chainer-ft: internal error: KeyError: 'W'; run again with --debug")
        assert "Traceback" not in said

    def test_130_interrupted(self, with_verb: Any, capsys: Any) -> None:
        with_verb(_raising(KeyboardInterrupt()))
        assert main(["oddly"]) == 130
        assert "interrupted" in capsys.readouterr().err

    @pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (5, 5), (True, 1)])
    def test_a_verbs_own(self, result: Any, code: int, with_verb: Any) -> None:
        with_verb(lambda options: result)
        assert main(["oddly"]) == code

    def test_a_file_that_no_verb_has_named(self, with_verb: Any, capsys: Any) -> None:
        with_verb(_raising(PermissionError(errno.EACCES, "Permission denied", "some.cfg")))
        assert main(["oddly"]) == 3
        assert "chainer-ft: some.cfg: Permission denied; --debug" in capsys.readouterr().err

    def test_the_process_has_it_too(self, tmp_path: Path) -> None:
        done = run("show", str(tmp_path / "no.npz"))
        assert (done.returncode, done.stdout) == (3, "")
        assert run("coppy").returncode == 2


def _raising(error: BaseException) -> Callable[[Any], int]:
    def run(options: Any) -> int:
        raise error

    return run


class TestDebug:
    @pytest.mark.parametrize(
        "arguments", [["--debug", "show", "no.npz"], ["show", "no.npz", "--debug"]]
    )
    def test_shows_a_traceback_and_keeps_the_exit_code(
        self, arguments: list[str], capsys: Any
    ) -> None:
        assert main(arguments) == 3
        said = capsys.readouterr().err
        assert "Traceback (most recent call last)" in said
        assert said.splitlines()[-1].startswith("chainer-ft: no.npz: there is no such file")

    def test_nothing_else_does(self, tmp_path: Path, capsys: Any) -> None:
        (tmp_path / "odd.npz").write_bytes(b"PK\x03\x04 and then nothing")
        for arguments in (["show", "no.npz"], ["show", str(tmp_path / "odd.npz")], ["coppy"]):
            assert main(arguments) in (2, 3)
            assert "Traceback" not in capsys.readouterr().err

    def test_after_run_it_is_the_scripts(self) -> None:
        assert cli._ours(["run", "train.py", "--debug", "-p", "x"]) == []
        assert cli._ours(["--debug", "run", "train.py", "--debug"]) == ["--debug"]
        assert cli._ours(["copy", "run", "b.npz", "--debug"])[-1] == "--debug"


class TestOptions:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["-p", "no:odd", "plugins"],
            ["plugins", "-p", "no:odd"],
            ["-pno:odd", "plugins"],
            ["plugins", "-p", "no:other", "-p", "no:odd"],
            ["-p", "no:odd", "plugins", "-p", "no:other"],
        ],
    )
    def test_plugins_are_blocked_before_and_after_the_verb(
        self, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        chosen = []

        def host(selection: Any, **options: Any) -> Host:
            chosen.append(selection)
            return Host(selection, installed=False, **options)

        monkeypatch.setattr(cli, "Host", host)
        assert main(arguments) == 0
        assert "odd" in chosen[0].blocked

    @pytest.mark.parametrize(
        "arguments", [["--no-plugins", "plugins"], ["plugins", "--no-plugins"]]
    )
    def test_no_plugins_before_and_after_the_verb(self, arguments: Sequence[str]) -> None:
        selection, verb = cli._scout(arguments)
        assert (selection.none, verb) == (True, "plugins")

    def test_a_file_called_run_is_no_verb(self) -> None:
        selection, verb = cli._scout(["copy", "run", "out.npz", "-p", "no:odd"])
        assert (selection.blocked, verb) == (frozenset({"odd"}), "copy")

    def test_an_unknown_verb_comes_with_the_nearest(self, capsys: Any) -> None:
        assert main(["coppy"]) == 2
        assert capsys.readouterr().err == (
            "chainer-ft: there is no verb 'coppy'; nearest: copy, convert\n"
        )

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ("copy a b --rnme x=y", "no option --rnme; nearest: --rename, .*`chainer-ft copy --h"),
            ("caffe train -solvr=x", "no option -solvr; nearest: --solver, .*`chainer-ft caffe --"),
            ("show a --polcy", "no option --polcy; nearest: .*see `chainer-ft show --help`"),
            ("show a b", "'b' is one argument too many; see `chainer-ft show --help`"),
            ("--nope", "no option --nope; nearest: --no-plugins, .*see `chainer-ft --help`"),
        ],
    )
    def test_an_unknown_option_comes_with_the_nearest(
        self, arguments: str, said: str, capsys: Any
    ) -> None:
        with pytest.raises(SystemExit, match="2"):
            main(arguments.split())
        assert re.search(f"error: (there is )?{said}", capsys.readouterr().err)

    def test_a_name_to_block_that_nobody_has_is_said(self, file: str, capsys: Any) -> None:
        assert main(["show", file, "-p", "no:troch"]) == 0
        assert "-p no:troch: no plugin has this name" in capsys.readouterr().err

    def test_version(self, capsys: Any) -> None:
        with pytest.raises(SystemExit, match="0"):
            main(["--version"])
        assert capsys.readouterr().out == f"chainer-ft {__version__}\n"

    @pytest.mark.parametrize("verb", VERBS)
    def test_every_verb_has_help(self, verb: str, capsys: Any) -> None:
        with pytest.raises(SystemExit, match="0"):
            main([verb, "--help"])
        assert f"usage: chainer-ft {verb}" in capsys.readouterr().out

    def test_help_lists_the_verbs_in_order(self, capsys: Any) -> None:
        with pytest.raises(SystemExit, match="0"):
            main(["--help"])
        lines = capsys.readouterr().out.splitlines()
        words = [line.split()[0] for line in lines if line.startswith("    ") and line[4] != " "]
        assert words == VERBS


class TestStreams:
    def test_tables_on_stdout_and_warnings_on_stderr(self, file: str, capsys: Any) -> None:
        assert main(["-p", "no:troch", "copy", file, file]) == 0
        shown = capsys.readouterr()
        assert "coverage 100.0%" in shown.out
        assert "warning" not in shown.out
        assert shown.err.startswith("chainer-ft: warning: ")
        assert len(shown.err.splitlines()) == 1

    @pytest.mark.parametrize(
        "arguments",
        [
            ["show", "FILE"],
            ["plan", "FILE", "FILE"],
            ["diff", "FILE", "FILE"],
            ["plugins"],
            ["doctor"],
        ],
    )
    def test_json_has_a_schema_and_a_version(
        self, arguments: list[str], file: str, capsys: Any
    ) -> None:
        full = [file if a == "FILE" else a for a in arguments]
        assert main([*full, "--json"]) == 0
        schema = json.loads(capsys.readouterr().out)["schema"]
        assert schema.startswith("chainer_ft.")
        assert schema.endswith("/1")

    @pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
    def test_colour_on_a_terminal_and_never_under_no_color(
        self, more: dict[str, str], coloured: bool, file: str
    ) -> None:
        shown = _on_a_terminal(["plan", file, file], environment(**more))
        assert b"coverage 100.0%" in shown
        assert (b"\x1b[32m" in shown) is coloured

    def test_no_colour_in_a_pipe(self, file: str) -> None:
        assert "\x1b" not in run("plan", file, file).stdout

    @pytest.mark.parametrize(
        "arguments", [["show", "FILE"], ["plugins"], ["--help"], ["show", "--help"]]
    )
    @pytest.mark.parametrize("more", [{}, {"PYTHONUNBUFFERED": "1"}])
    def test_a_reader_that_leaves(
        self, more: dict[str, str], arguments: list[str], file: str
    ) -> None:
        """As ``chainer-ft show FILE | true`` does."""
        full = [file if a == "FILE" else a for a in arguments]
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            command(*full),
            env=environment(**more),
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
        )
        os.close(writing)
        assert (done.returncode, done.stderr) == (0, b"")


def _on_a_terminal(arguments: list[str], variables: dict[str, str]) -> bytes:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command(*arguments), env=variables, stdout=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # what Linux says at the end of a terminal
        pass
    os.close(ours)
    assert process.wait(60) == 0
    return shown


@pytest.mark.parametrize("arguments", [["--help"], ["plugins"], ["show", "--help"]])
def test_neither_chainer_nor_h5py_is_imported(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom chainer_ft.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "heavy = {'chainer', 'h5py', 'google.protobuf', 'cupy'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "copy" in done.stdout or "usage" in done.stdout


class TestOutput:
    """Terminals that cannot show everything, and disks that are full."""

    def run(self, tmp_path: Path, stdout: Any, **environment: str) -> subprocess.CompletedProcess:  # type: ignore[type-arg]
        np.savez(tmp_path / "a.npz", **{"\u5c64/W": np.ones(2)})
        command = [sys.executable, "-m", "chainer_ft", "show", str(tmp_path / "a.npz")]
        return subprocess.run(
            command,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            timeout=60,
            check=False,
        )

    def test_an_ascii_terminal(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, subprocess.PIPE, PYTHONIOENCODING="ascii")
        assert (done.returncode, done.stderr) == (0, b"")
        assert rb"/\u5c64/W" in done.stdout

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
    def test_a_full_disk(self, tmp_path: Path) -> None:
        with open("/dev/full", "wb") as full:
            done = self.run(tmp_path, full)
        assert done.returncode == 3
        assert done.stderr == b"chainer-ft: the output cannot be written: No space left on device\n"
