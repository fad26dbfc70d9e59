"""``chainer-ft caffe``: the commands of the ``caffe`` program, with its flags."""

from __future__ import annotations

import importlib
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from chainer_ft.errors import UsageError
from chainer_ft.types import Subcommand

#: Each command with the module that runs it, and the flags that it cannot do without.
COMMANDS = {
    "train": ("caffe_train", ("solver",)),
    "test": ("caffe_test", ("model", "weights")),
    "time": ("caffe_time", ("model",)),
    "convert": ("caffe_convert", ("solver",)),
}
_NEEDED = {
    "solver": "a solver definition: --solver solver.prototxt",
    "model": "a model definition: --model train_val.prototxt",
    "weights": "weights to test: --weights x.caffemodel",
}
_EFFECTS = ("stop", "snapshot", "none")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments. Flags have one dash or two, as in Caffe."""
    parser.add_argument(
        "command",
        metavar="COMMAND",
        choices=tuple(COMMANDS),
        help="train a solver; test or time a net; convert a solver into a Chainer script",
    )
    parser.add_argument("file", metavar="SOLVER", nargs="?", help="convert: the solver definition")
    _flag(parser, "solver", metavar="FILE", help="train, convert: the solver definition")
    _flag(parser, "model", metavar="FILE", help="test, time: the net definition")
    _flag(parser, "weights", metavar="A,B", help="train, test: weights, copied by layer name")
    _flag(parser, "snapshot", metavar="FILE", help="train: the .solverstate to go on from")
    _flag(parser, "gpu", metavar="N", help="number of the GPU; the CPU by default")
    _flag(parser, "iterations", type=int, default=50, metavar="N", help="test, time: passes (50)")
    _flag(parser, "phase", choices=("TRAIN", "TEST"), help="time: the phase (TRAIN)")
    _flag(parser, "level", type=int, default=0, metavar="N", help="level of the net (0)")
    _flag(parser, "stage", default="", metavar="A,B", help="stages of the net")
    for name, key, effect in (("sigint", "Ctrl-C", "stop"), ("sighup", "hanging up", "snapshot")):
        _flag(
            parser,
            f"{name}_effect",
            choices=_EFFECTS,
            default=effect,
            help=f"train: what {key} does: {', '.join(_EFFECTS)} ({effect})",
        )
    for name in ("logtostderr", "alsologtostderr"):  # of glog; the log goes there anyway
        forms = [f"{dash}{name}{value}" for dash in ("-", "--") for value in ("", "=1", "=true")]
        parser.add_argument(*forms, action="store_true", help=SUPPRESS)
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="convert: the script to write (standard output)"
    )


def _flag(parser: ArgumentParser, name: str, **options: Any) -> None:
    """A flag of Caffe's. The form with one dash is left out of the help."""
    parser.add_argument(f"--{name}", **options)
    parser.add_argument(f"-{name}", dest=name, **{**options, "help": SUPPRESS})


def run(options: Namespace) -> int:
    """Run the verb."""
    module, needed = COMMANDS[options.command]
    if options.command == "convert":
        options.solver = options.solver or options.file
    elif options.file:
        raise UsageError(f"caffe {options.command}: {options.file!r} belongs to no flag")
    for name in needed:
        if not getattr(options, name):
            raise UsageError(f"caffe {options.command} needs {_NEEDED[name]}")
    if options.iterations < 1:
        raise UsageError(f"--iterations {options.iterations}: one at least")
    run_command = importlib.import_module(f"chainer_ft.cli.{module}").run
    return int(run_command(options))


def names(text: str | None) -> list[str]:
    """The names in a flag with commas.

    Example:
        >>> names("a.caffemodel,b.caffemodel"), names(None)
        (['a.caffemodel', 'b.caffemodel'], [])
    """
    return [name for name in (text or "").split(",") if name]


def device(gpu: str | None) -> str | None:
    """The flag ``--gpu`` as Chainer writes a device.

    Raises:
        UsageError: It asks for several, or is no number.

    Example:
        >>> device("0"), device(None)
        ('@cupy:0', None)
    """
    if gpu is None:
        return None
    if gpu == "all" or "," in gpu:
        raise UsageError(f"--gpu {gpu}: nets are trained on one GPU here; name it: --gpu 0")
    if not gpu.isdecimal():
        raise UsageError(f"--gpu {gpu}: no number of a GPU; for the CPU leave it out")
    return f"@cupy:{gpu}"


def announce(log: Callable[[str, str], None], device: str | None) -> str:
    """Say in the log where the net will run; the device.

    Raises:
        UsageError: It is a GPU, and CuPy is not there.
    """
    if device is None:
        log("caffe.cpp:197", "Use CPU.")
        return "@numpy"
    gpu = device.partition(":")[2]
    if not has_gpu():
        raise UsageError(
            f"--gpu {gpu}: CuPy finds no GPU; `pip install 'chainer-ft[cuda12]'` or [cuda13], and "
            "`chainer-ft doctor` says what is missing"
        )
    log("caffe.cpp:202", f"Using GPUs {gpu}")
    return device


def has_gpu() -> bool:
    """Whether CuPy works."""
    from chainer.backends import cuda

    return bool(cuda.available)


VERB = Subcommand("caffe", "train, test and time Caffe's nets as Caffe does", add_arguments, run)
