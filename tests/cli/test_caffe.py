"""``chainer-ft caffe``: its flags, and what they become."""

from __future__ import annotations

import importlib
from argparse import ArgumentParser, Namespace

import pytest

from chainer_ft.cli import caffe
from chainer_ft.cli.main import main
from chainer_ft.errors import UsageError


def parsed(*arguments: str) -> Namespace:
    parser = ArgumentParser(allow_abbrev=False)
    caffe.add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize("dash", ["-", "--"])
@pytest.mark.parametrize("between", ["=", " "])
@pytest.mark.parametrize(
    "name, text, value",
    [
        ("solver", "s.prototxt", "s.prototxt"),
        ("model", "m.prototxt", "m.prototxt"),
        ("weights", "a,b", "a,b"),
        ("snapshot", "s.solverstate", "s.solverstate"),
        ("gpu", "0", "0"),
        ("iterations", "7", 7),
        ("phase", "TEST", "TEST"),
        ("level", "-2", -2),
        ("stage", "a,b", "a,b"),
        ("sigint_effect", "snapshot", "snapshot"),
        ("sighup_effect", "none", "none"),
    ],
)
def test_flags_have_one_dash_or_two(
    dash: str, between: str, name: str, text: str, value: object
) -> None:
    flag = f"{dash}{name}"
    arguments = [f"{flag}={text}"] if between == "=" else [flag, text]
    assert getattr(parsed("train", *arguments), name) == value
    assert getattr(parsed(*arguments, "train"), name) == value


@pytest.mark.parametrize("flag", ["--logtostderr", "-logtostderr=1", "--alsologtostderr=true"])
def test_flags_of_glog_change_nothing(flag: str) -> None:
    assert parsed("train", flag, "-solver=s").solver == parsed(flag, "train", "-solver=s").solver


def test_defaults_are_caffes() -> None:
    options = parsed("time", "-model", "x")
    assert (options.iterations, options.level, options.stage) == (50, 0, "")
    assert (options.sigint_effect, options.sighup_effect) == ("stop", "snapshot")
    assert options.gpu is None and options.phase is None


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["train"], "caffe train needs a solver definition"),
        (["test", "-model", "m"], "caffe test needs weights to test"),
        (["test", "-weights", "w"], "caffe test needs a model definition"),
        (["time"], "caffe time needs a model definition"),
        (["convert"], "caffe convert needs a solver definition"),
        (["train", "s.prototxt"], "'s.prototxt' belongs to no flag"),
        (["time", "-model", "m", "-iterations", "0"], "--iterations 0: one at least"),
    ],
)
def test_what_is_missing_is_said(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["caffe", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("phase", [["-phase", "TEST"], ["-phase=TEST"], ["--phase", "TEST"]])
def test_phase_is_not_taken_for_a_plugin(phase: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """``-p`` blocks plugins, and an option of one letter may have its value behind it."""
    seen: list[Namespace] = []
    module = importlib.import_module("chainer_ft.cli.caffe_time")
    monkeypatch.setattr(module, "run", lambda options: bool(seen.append(options)))
    assert main(["caffe", "time", "-model", "m", *phase]) == 0
    assert seen[0].phase == "TEST"


@pytest.mark.parametrize("gpu, device", [(None, None), ("0", "@cupy:0"), ("3", "@cupy:3")])
def test_gpus(gpu: str | None, device: str | None) -> None:
    assert caffe.device(gpu) == device


@pytest.mark.parametrize("gpu", ["0,1", "all", "-1", "x", ""])
def test_gpus_that_cannot_be(gpu: str) -> None:
    with pytest.raises(UsageError, match="--gpu"):
        caffe.device(gpu)
