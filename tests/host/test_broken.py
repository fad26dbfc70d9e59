"""Broken plugins of every kind, installed as distributions: each costs only itself.

``plugins``, ``doctor`` and ``copy`` go on, and say the plugin's name, distribution, version
and what is wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainer_ft.cli.main import main
from chainer_ft.testing import write_distribution

Install = Callable[..., str]
Files = tuple[str, str]
ROOT = Path(__file__).parents[2]

#: Known as soon as the plugins are asked: kind to (code, cause).
AT_ONCE = {
    "missing dependency": ("import no_such_module", "ModuleNotFoundError: No module named"),
    "name that is gone": ("from json import no_such", "ImportError: cannot import name 'no_such'"),
    "syntax error": ("def f(:", "SyntaxError: invalid syntax"),
    "exit at import": ("raise SystemExit('bye')", "SystemExit: bye"),
    "no hook at all": ("x = 1", "has no hook; there are chainer_ft_source_loaders"),
    "bad hook name": (
        "@hookimpl\ndef chainer_ft_source_loader(): return []",
        "there is no hook chainer_ft_source_loader; nearest: chainer_ft_source_loaders",
    ),
    "missing mark": (
        "def chainer_ft_savers(): return []",
        "is not marked with @chainer_ft.hookimpl",
    ),
    "unknown argument": (
        "@hookimpl\ndef chainer_ft_copied(plan, model): pass",
        "chainer_ft_copied(plan, outcome) has no argument 'model'",
    ),
    "newer hook API": ("HOOK_API = 99", "made for hook API 99, this is 1; update chainer-ft"),
    "raising hook": (
        "@hookimpl\ndef chainer_ft_savers(): raise KeyError('W')",
        "KeyError: 'W'",
    ),
    "exiting hook": ("@hookimpl\ndef chainer_ft_savers(): raise SystemExit(7)", "SystemExit: 7"),
    "generator that raises half-way": (
        "@hookimpl\ndef chainer_ft_match_policies():\n"
        "    yield MatchPolicy('half', 's', lambda a, b: [])\n    raise OSError('gone')",
        "OSError: gone",
    ),
    "one thing and not a list": (
        "@hookimpl\ndef chainer_ft_match_policies():\n"
        "    return MatchPolicy('one', 's', lambda a, b: [])",
        "not a list of MatchPolicy",
    ),
    "list of something else": (
        "@hookimpl\ndef chainer_ft_source_loaders(): return ['npz']",
        "chainer_ft_source_loaders returned 'npz', not a SourceLoader",
    ),
    "bad name": (
        "@hookimpl\ndef chainer_ft_match_policies(): return [MatchPolicy('A b', 's', print)]",
        "ValueError: name is lower-case",
    ),
    "duplicate name": (
        "@hookimpl\ndef chainer_ft_match_policies(): return [MatchPolicy('name', 's', print)]",
        "the one of builtin.policies (chainer-ft ",
    ),
    "verb whose arguments fail": (
        "def no(parser): raise LookupError('no arguments')\n"
        "@hookimpl\ndef chainer_ft_subcommands(): return [Subcommand('oddly', 's', no, print)]",
        "LookupError: no arguments",
    ),
}


def copied(target: str) -> bool:
    with np.load(target) as arrays:
        return bool((arrays["fc/W"] == 1).all())


def check_the_rest_works(files: Files, cause: str, capsys: Any) -> None:
    assert main(["plugins"]) == 0
    shown = capsys.readouterr()
    assert cause in shown.out
    assert "odd (odd-plugin 1.2)" in shown.out
    assert shown.err == ""
    assert main(["doctor"]) == 1
    shown = capsys.readouterr()
    assert cause in shown.out
    assert shown.err == ""
    assert main(["copy", *files]) == 0
    shown = capsys.readouterr()
    assert "coverage 100.0%" in shown.out
    assert copied(files[1])
    warnings = shown.err.splitlines()
    assert len(warnings) == 1
    assert warnings[0].startswith("chainer-ft: warning: ")
    assert "odd (odd-plugin 1.2)" in warnings[0]
    assert cause in warnings[0]


@pytest.mark.parametrize("kind", AT_ONCE)
def test_what_is_known_at_once(kind: str, install: Install, files: Files, capsys: Any) -> None:
    code, cause = AT_ONCE[kind]
    install(code)
    check_the_rest_works(files, cause, capsys)


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ("no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("{}:no_such_name", "AttributeError: module"),
        ("not a reference", "AttributeError"),
    ],
)
def test_an_entry_point_that_names_nothing(
    entry: str, cause: str, install: Install, files: Files, capsys: Any
) -> None:
    install(entry=entry)
    check_the_rest_works(files, cause, capsys)


LOADER = """
import numpy as np

class Odd(Source):
    shapes = {{"/fc/W": (2, 3), "/fc/b": (2,)}}
    listing = Listing(tuple(Entry(p, s, np.dtype("f4")) for p, s in shapes.items()))
    def read(self, path):
        {read}

def detect(head, path):
    {detect}

def open(path):
    {open}

@hookimpl
def chainer_ft_source_loaders():
    return [SourceLoader("odd", "an odd format", (".odd",), detect, open)]
"""
GOOD = {
    "detect": "return float(head[:3] == b'ODD')",
    "open": "return Odd()",
    "read": "return np.ones(self.listing[path].shape, 'f4')",
}


@pytest.fixture
def odd(tmp_path: Path) -> str:
    (tmp_path / "weights.odd").write_bytes(b"ODD")
    return str(tmp_path / "weights.odd")


def test_the_loader_of_these_tests_works(install: Install, files: Files, odd: str) -> None:
    install(LOADER.format(**GOOD))
    assert main(["copy", odd, files[1]]) == 0
    assert copied(files[1])


def test_a_detect_that_raises_is_passed_over(install: Install, files: Files, capsys: Any) -> None:
    install(LOADER.format(**{**GOOD, "detect": "raise IndexError('short')"}))
    assert main(["copy", *files]) == 0
    assert copied(files[1])
    sentence = "chainer-ft: warning: plugin odd (odd-plugin 1.2): IndexError: short\n"
    assert capsys.readouterr().err == sentence
    assert main(["plugins"]) == main(["doctor"]) == 0


@pytest.mark.parametrize(
    ("method", "code", "cause"),
    [
        ("open", "raise KeyError('header')", "KeyError: 'header'"),
        ("open", "raise PermissionError(13, 'no')", "PermissionError"),
        ("open", "return {'/fc/W': 1}", "not a Source"),
        ("read", "raise ValueError('damaged')", "ValueError: damaged"),
        ("read", "return np.ones((9, 9), 'f4')", "/fc/W has more numbers than its entry says, 6"),
    ],
)
def test_a_loader_that_fails_names_its_plugin_and_nothing_is_written(
    method: str, code: str, cause: str, install: Install, files: Files, odd: str, capsys: Any
) -> None:
    install(LOADER.format(**{**GOOD, method: code}))
    before = Path(files[1]).read_bytes()
    assert main(["copy", odd, files[1]]) == 4
    said = capsys.readouterr().err
    assert f"{odd}: loader 'odd' of plugin odd (odd-plugin 1.2) failed: " in said
    assert cause in said
    assert "-p no:odd" in said
    assert Path(files[1]).read_bytes() == before
    assert main(["copy", *files]) == main(["plugins"]) == main(["doctor"]) == 0


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("raise ZeroDivisionError('no')", "plugin odd (odd-plugin 1.2) failed: ZeroDivisionError"),
        ("yield Pair('/fc/W', '/fc/W'); raise OSError('late')", "OSError: late"),
        ("yield '/fc/W'", "propose yielded '/fc/W', not a Pair or a Tie"),
        ("yield Pair('/fc/W', '/nowhere')", "policy 'odd' proposes target /nowhere"),
        ("yield Pair('/fc/W', '/fc/W'); yield Pair('/fc/W', '/fc/b')", "/fc/W twice"),
        ("return 3", "policy 'odd' of plugin odd (odd-plugin 1.2) failed: TypeError"),
    ],
)
def test_a_policy_that_raises_or_proposes_nonsense(
    body: str, cause: str, install: Install, files: Files, capsys: Any
) -> None:
    install(
        f"def propose(source, target):\n    {body}\n\n@hookimpl\n"
        "def chainer_ft_match_policies():\n    return [MatchPolicy('odd', 's', propose)]\n"
    )
    assert main(["copy", *files, "--policy", "odd"]) == 4
    assert cause in capsys.readouterr().err
    assert not copied(files[1])
    assert main(["copy", *files]) == main(["plugins"]) == main(["doctor"]) == 0


def test_a_saver_that_raises_leaves_the_old_file(
    install: Install, files: Files, tmp_path: Path, capsys: Any
) -> None:
    install(
        "def save(path, source, **options):\n    with open(path, 'w') as file: file.write('half')\n"
        "    raise RuntimeError('no')\n\n@hookimpl\ndef chainer_ft_savers():\n"
        "    return [Saver('odd', 's', ('.odd',), save)]\n"
    )
    out = tmp_path / "out.odd"
    out.write_text("old", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    assert main(["convert", files[0], str(out)]) == 4
    assert "saver 'odd' of plugin odd (odd-plugin 1.2) failed: RuntimeError: no" in (
        capsys.readouterr().err
    )
    assert out.read_text(encoding="utf-8") == "old"
    assert sorted(tmp_path.iterdir()) == before
    assert main(["copy", *files]) == main(["plugins"]) == main(["doctor"]) == 0


VERB = """
def add(parser):
    {add}

def run(options):
    {run}

@hookimpl
def chainer_ft_subcommands():
    return [Subcommand("oddly", "an odd verb", add, run)]
"""


@pytest.mark.parametrize("arguments", [[], ["x", "--flag"], ["--help"]])
def test_a_verb_without_arguments_says_why(
    arguments: list[str], install: Install, capsys: Any
) -> None:
    install(VERB.format(add="raise LookupError('no arguments')", run="return 0"))
    if arguments == ["--help"]:
        with pytest.raises(SystemExit):
            main(["oddly", *arguments])
    else:
        assert main(["oddly", *arguments]) == 4
    assert "odd (odd-plugin 1.2): LookupError: no arguments" in capsys.readouterr().err


def test_a_verb_that_raises(install: Install, files: Files, capsys: Any) -> None:
    install(VERB.format(add="pass", run="return {}['model']"))
    assert main(["oddly"]) == 4
    assert "verb 'oddly' of plugin odd (odd-plugin 1.2) failed: KeyError" in capsys.readouterr().err
    assert main(["copy", *files]) == main(["plugins"]) == main(["doctor"]) == 0


def test_a_verb_of_a_plugin_that_cannot_be_imported(install: Install, capsys: Any) -> None:
    install("import no_such_module", name="oddly")
    assert main(["oddly", "--flag"]) == 4
    assert "oddly (odd-plugin 1.2): ModuleNotFoundError" in capsys.readouterr().err


def test_a_plan_that_a_plugin_rejects(install: Install, files: Files, capsys: Any) -> None:
    install(
        "from chainer_ft.errors import PlanRejected\n\n@hookimpl\n"
        "def chainer_ft_plan_ready(plan):\n    raise PlanRejected('not on a Friday')\n"
    )
    assert main(["copy", *files]) == 1
    assert capsys.readouterr().err == ("chainer-ft: plugin odd rejects the plan: not on a Friday\n")
    assert not copied(files[1])
    assert main(["copy", *files, "-p", "no:odd"]) == main(["plugins"]) == main(["doctor"]) == 0
    assert copied(files[1])


@pytest.mark.parametrize("hook", ["plan_ready(plan)", "copied(plan, outcome)"])
def test_a_listener_that_raises_is_passed_over(
    hook: str, install: Install, files: Files, capsys: Any
) -> None:
    install(f"@hookimpl\ndef chainer_ft_{hook}:\n    raise AttributeError('shape')\n")
    assert main(["copy", *files]) == 0
    sentence = "chainer-ft: warning: plugin odd (odd-plugin 1.2): AttributeError: shape\n"
    assert capsys.readouterr().err == sentence
    assert copied(files[1])
    assert main(["plugins"]) == main(["doctor"]) == 0


def test_strict_makes_it_an_error(
    install: Install, files: Files, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    install("import no_such_module")
    monkeypatch.setenv("CHAINER_FT_STRICT_PLUGINS", "1")
    assert main(["copy", *files]) == 4
    assert capsys.readouterr().err.startswith("chainer-ft: plugin odd (odd-plugin 1.2): ModuleNot")
    assert main(["copy", *files, "--debug"]) == 4
    assert "import no_such_module" in capsys.readouterr().err


def test_the_worst_day(tmp_path: Path, files: Files) -> None:
    """All of them at once, in processes of their own."""
    site = tmp_path / "site"
    head = "from chainer_ft import hookimpl\nfrom chainer_ft.types import *\n"
    for number, (code, _) in enumerate(AT_ONCE.values()):
        module = {f"worst_{number}.py": head + code}
        point = {f"plugin{number}": f"worst_{number}"}
        write_distribution(site, f"worst-{number}", point, module, f"1.{number}")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        full = [sys.executable, "-m", "chainer_ft", *command]
        return subprocess.run(full, env=environment, capture_output=True, text=True, timeout=60)

    shown, examined, done = run("plugins"), run("doctor"), run("copy", *files)
    assert (shown.returncode, examined.returncode, done.returncode) == (0, 1, 0)
    assert copied(files[1])
    for number, (_, cause) in enumerate(AT_ONCE.values()):
        for text in (shown.stdout, examined.stdout, done.stderr):
            assert cause in text
            assert f"plugin{number} (worst-{number} 1.{number})" in text
    for process in (shown, examined, done):
        assert "Traceback" not in process.stdout + process.stderr
    assert run("copy", *files, "--no-plugins").stderr == ""
