"""Models named on the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from chainer_ft.errors import UsageError
from chainer_ft.transfer.models import is_model_spec, load_model

SOURCE = """
import chainer
import chainer.links as L
class Net(L.Linear):
    def __init__(self):
        super().__init__(3, 2)
    @classmethod
    def make(cls): return cls()
net = Net()
shared = L.Linear(3, 2)
class Size:
    pass
def wants(n): return Net()
def text(): return "no link"
def broken(): raise RuntimeError("out of luck")
number = 3
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mynets_of_test.py").write_text(SOURCE)
    yield "mynets_of_test"
    sys.modules.pop("mynets_of_test", None)


@pytest.fixture(autouse=True)
def search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model's folder stays on the search path; not for the tests that come after."""
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.mark.parametrize("name", ["Net", "net"])
@pytest.mark.parametrize("suffix", ["", ".py"])
def test_classes_functions_and_links(file: str, suffix: str, name: str) -> None:
    assert type(load_model(f"{file}{suffix}:{name}")).__name__ == "Net"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".py:Nett", "there is no 'Nett' in it; nearest: Net, net"),
        (".py:shraed", "nearest: shared"),
        (".py:number.real.x", "there is no 'x' in it; nor any other Link or function$"),
        (".py:L.Linera", "nearest: Linear, "),
        (".py:Net.mkae", "there is no 'mkae' in it; nearest: make$"),
        (".py:wants", "must be callable without arguments"),
        (".py:text", "returned a str, not a chainer.Link"),
        (".py:broken", "failed: RuntimeError: out of luck"),
        (".py:number", "is a int, not a Link"),
        ("x.py:Net", "no file mynets_of_testx.py; did you mean .*mynets_of_test.py"),
        ("x:Net", "cannot be imported: ModuleNotFoundError: .*; `pip install` .*, or name a file"),
    ],
)
def test_what_is_no_model_is_explained(file: str, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_model(file + name)


def test_a_file_that_fails_to_import(tmp_path: Path) -> None:
    bad = tmp_path / "bad_of_test.py"
    bad.write_text("import sys; sys.exit(3)")
    with pytest.raises(UsageError, match="cannot be imported: SystemExit: 3; --debug shows where"):
        load_model(f"{bad}:Net")


def test_a_file_that_needs_what_is_not_installed(tmp_path: Path) -> None:
    bad = tmp_path / "needy_of_test.py"
    bad.write_text("import nowhere_of_test")
    with pytest.raises(UsageError, match=r"'nowhere_of_test'; `pip install` what has it$"):
        load_model(f"{bad}:Net")


@pytest.mark.parametrize("name", ["Config", "np", "F"])
def test_what_is_no_model_is_not_suggested(tmp_path: Path, name: str) -> None:
    (tmp_path / "odd_of_test.py").write_text(
        "import numpy as np\nimport chainer.functions as F\nfrom chainer.links import Linear\n"
        "class Config: pass\ndef build(): return Linear(3, 2)\n"
    )
    with pytest.raises(UsageError, match=r"nearest: build$"):
        load_model(f"{tmp_path / 'odd_of_test.py'}:{name}s")


def test_a_file_with_a_colon_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_model_spec("a:b")
    Path("a:b").write_bytes(b"")
    assert not is_model_spec("a:b")
    assert not is_model_spec("file.npz::/predictor")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import sys; sys.exit(0)", "failed: SystemExit: 0"),
        ("return 1 + ''", "failed: TypeError: unsupported operand"),
    ],
)
def test_a_function_that_exits_or_errs(tmp_path: Path, body: str, message: str) -> None:
    (tmp_path / "odd_of_test.py").write_text(f"def Net():\n    {body}\n")
    with pytest.raises(UsageError, match=message):
        load_model(f"{tmp_path / 'odd_of_test.py'}:Net")


def test_what_a_model_prints_is_not_our_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "numpy.py").write_text(
        "import chainer\nprint('hello')\n"
        "def Net():\n    print('there')\n    return chainer.Link()\n"
    )
    before = sys.modules["numpy"]
    load_model(f"{tmp_path / 'numpy.py'}:Net")
    assert sys.modules["numpy"] is before
    assert capsys.readouterr() == ("", "hello\nthere\n")


def test_a_file_that_is_written_anew_in_the_same_second_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "twice.py"
    for inputs in (2, 3):
        path.write_text(
            f"import chainer\n\n\ndef net():\n    return chainer.links.Linear({inputs}, 1)\n"
        )
        os.utime(path, (1_700_000_000, 1_700_000_000))
        sys.modules.pop("twice", None)
        assert load_model(f"{path}:net").W.shape == (1, inputs)
    assert [one.name for one in tmp_path.iterdir()] == ["twice.py"]
