"""``chainer-ft doctor``: versions, what works, what is missing; a block to paste into an issue."""

from __future__ import annotations

import json
import platform
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distributions, version

from chainer_ft import compat
from chainer_ft.cli.output import say
from chainer_ft.host import default_host
from chainer_ft.host.records import cause_of
from chainer_ft.report.table import align
from chainer_ft.types import Subcommand

_PACKAGES = (
    *("chainer-ft", "chainer", "numpy", "scipy", "protobuf", "h5py", "pluggy", "matplotlib"),
    *("pillow", "lmdb", "cramjam", "google-crc32c"),  # Caffe's data layers
)


@dataclass(frozen=True)
class Check:
    """One thing that works or does not.

    Args:
        what: A phrase.
        works: ``True``, ``False``, or ``None`` where it is not needed by everybody.
        detail: What was found, or what to type.
    """

    what: str
    works: bool | None
    detail: str


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: Namespace) -> int:
    """Run the verb; what is broken is something to show, and exit code 1."""
    checks = list(examine())
    say(_json(checks) if options.json else _text(checks))
    return 1 if any(check.works is False for check in checks) else 0


def versions() -> dict[str, str]:
    """Versions of everything that matters; what is not installed is left out."""
    found = {"python": f"{platform.python_version()} ({platform.platform()})"}
    cupy = sorted(d.name for d in distributions() if (d.name or "").startswith("cupy"))
    for name in (*_PACKAGES, *cupy):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def examine() -> Iterator[Check]:
    """Try everything that chainer_ft stands on."""
    yield _attempt("import chainer", _chainer, "pip install chainer")
    yield _attempt("CaffeFunction", _caffe_function, "pip install --upgrade protobuf")
    yield _attempt("HDF5", _h5py, "pip install h5py")
    yield _gpu()
    for sentence in default_host().problems():
        yield Check("plugin", False, sentence)
    for patch in compat.status():
        if patch.state == "failed":
            yield Check(f"patch {patch.name}", False, f"for {patch.where}: {patch.reason}")


def _attempt(what: str, function: Callable[[], str], remedy: str) -> Check:
    try:
        return Check(what, True, function())
    except (Exception, SystemExit) as error:
        return Check(what, False, f"{cause_of(error)}; try `{remedy}`")


def _chainer() -> str:
    import chainer

    return f"{chainer.__version__} from {chainer.__path__[0]}"


def _caffe_function() -> str:
    import google.protobuf
    from chainer.links.caffe import CaffeFunction
    from google.protobuf.internal import api_implementation

    assert CaffeFunction is not None
    return f"protobuf {google.protobuf.__version__}, {api_implementation.Type()} implementation"


def _h5py() -> str:
    import h5py

    return f"h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}"


def _gpu() -> Check:
    """CuPy is optional: without it everything runs on the CPU."""
    from importlib.util import find_spec

    if find_spec("cupy") is None:
        return Check("GPU", None, "no CuPy; for a GPU, pip install cupy-cuda12x (or cupy-cuda13x)")
    try:
        from chainer.backends import cuda

        if not cuda.available:
            reason = (
                cause_of(cuda._resolution_error) if cuda._resolution_error else "no GPU is seen"
            )
            return Check("GPU", False, f"CuPy is installed, but {reason}; try `nvidia-smi`")
        count = cuda.cupy.cuda.runtime.getDeviceCount()
        cudnn = "cuDNN" if cuda.cudnn_enabled else "Chainer's own kernels, no cuDNN"
        return Check("GPU", True, f"{count} device(s), CuPy {cuda.cupy.__version__}, {cudnn}")
    except Exception as error:
        return Check("GPU", False, cause_of(error))


def _text(checks: list[Check]) -> str:
    words = {True: "ok", False: "BROKEN", None: "-"}
    lines = align([(name, number) for name, number in versions().items()])
    lines += ["", *align([(check.what, words[check.works], check.detail) for check in checks])]
    patches = [(p.name, p.state, p.where) for p in compat.status() if p.state != "not needed"]
    if patches:
        lines += ["", f"patches of Chainer on Python {sys.version_info[0]}.{sys.version_info[1]}"]
        lines += align(patches)
    return "\n".join(lines)


def _json(checks: list[Check]) -> str:
    data = {
        "schema": "chainer_ft.doctor/1",
        "versions": versions(),
        "checks": [asdict(check) for check in checks],
        "patches": [asdict(patch) for patch in compat.status()],
    }
    return json.dumps(data, indent=1)


VERB = Subcommand("doctor", "versions, what works, what is missing", add_arguments, run)
