"""``chainer-ft doctor``: what works and what is missing, on the worst day too."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from chainer_ft.cli import doctor
from chainer_ft.cli.doctor import VERB, Check
from chainer_ft.host import Host, hookimpl, set_default_host


@pytest.fixture(autouse=True)
def host() -> Iterator[Host]:
    host = Host(installed=False, warn=lambda sentence: None)
    set_default_host(host)
    yield host
    set_default_host(None)


def run(*arguments: str) -> int:
    parser = ArgumentParser()
    VERB.add_arguments(parser)
    return VERB.run(parser.parse_args(arguments))


def checks() -> dict[str, Check]:
    return {check.what: check for check in doctor.examine()}


def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_gpu", lambda: Check("GPU", None, "not asked"))


def test_all_is_well(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    without_gpu(monkeypatch)
    assert run() == 0
    text = capsys.readouterr().out
    assert "BROKEN" not in text
    for line in ("python ", "chainer ", "numpy ", "import chainer  ok", "CaffeFunction   ok"):
        assert f"\n{line}" in f"\n{text}"


def test_json(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    without_gpu(monkeypatch)
    assert run("--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "chainer_ft.doctor/1"
    assert data["versions"]["chainer"] == "7.8.1"
    assert data["checks"][3] == {"what": "GPU", "works": None, "detail": "not asked"}
    assert {"name", "where", "state"} <= data["patches"][0].keys()


def test_a_missing_library_is_named_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert run() == 1
    assert "BROKEN  ModuleNotFoundError: import of h5py halted; None in sys.modules; " in (
        line := next(line for line in capsys.readouterr().out.splitlines() if "HDF5" in line)
    )
    assert line.endswith("try `pip install h5py`")


def test_a_chainer_that_exits_is_only_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave() -> str:
        raise SystemExit("no")

    monkeypatch.setattr(doctor, "_chainer", leave)
    found = checks()
    assert found["import chainer"].works is False
    assert found["HDF5"].works is True


def test_a_broken_plugin_is_a_check_that_fails(host: Host, capsys: Any) -> None:
    @hookimpl
    def chainer_ft_savers() -> list[Any]:
        raise ValueError("no")

    host.register(SimpleNamespace(chainer_ft_savers=chainer_ft_savers), "bad")
    assert run() == 1
    text = capsys.readouterr().out
    assert "plugin          BROKEN  plugin bad (registered by hand): ValueError: no" in text


def test_a_patch_that_failed_is_a_check_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    patch = SimpleNamespace(name="odd", where="chainer/x.py:1", state="failed", reason="no x")
    monkeypatch.setattr(doctor.compat, "status", lambda: [patch])
    assert checks()["patch odd"].detail == "for chainer/x.py:1: no x"


class TestGPU:
    """CuPy is optional; where it is installed, it must work."""

    @pytest.fixture
    def cuda(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        from chainer.backends import cuda

        monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
        monkeypatch.setattr(cuda, "available", False)
        monkeypatch.setattr(cuda, "_resolution_error", None)
        return cuda

    def test_without_cupy_it_is_not_broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        check = doctor._gpu()
        assert check.works is None
        assert "pip install cupy-cuda12x" in check.detail

    def test_cupy_that_cannot_be_imported(self, cuda: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cuda, "_resolution_error", ImportError("libcuda.so"))
        check = doctor._gpu()
        assert check.works is False
        assert "ImportError: libcuda.so" in check.detail

    def test_cupy_without_a_gpu(self, cuda: Any) -> None:
        check = doctor._gpu()
        assert check.works is False
        assert "no GPU is seen" in check.detail
