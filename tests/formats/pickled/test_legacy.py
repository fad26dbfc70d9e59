"""Every pickle that real Chainer 1.4 to 7.8 wrote, and the hostile ones beside them."""

from __future__ import annotations

import json
import pickletools
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import legacy
import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.errors import ChainerFTError, FormatError
from chainer_ft.types import Source

ROOT = Path(ft.__file__).parent.parent
SECONDS, MEBIBYTES = 2.0, 200
FOLDERS = [
    *("1.4.1-py2.7", "1.5.1-py2.7", "1.24.0-py2.7", "2.1.0-py3.6", "3.5.0-py3.6", "4.5.0-py3.6"),
    *("5.4.0-py3.7", "6.7.0-py3.7", "7.8.1-py3.8", "device", "dill", "numpy"),
]


def pickles(folder: Path) -> Iterator[legacy.Model]:
    """Every pickle of a folder; one of an optimizer has the model, a Classifier, as ``target``."""
    files = json.loads((folder / "MANIFEST.json").read_text())["files"]
    for name, facts in files.items():
        if facts["kind"].startswith("pickle"):
            truth = "clf" if name.startswith("optimizer_") else facts["truth"]
            yield legacy.Model(folder / name, truth)


def check(source: Source, model: legacy.Model) -> None:
    """Exactly the truth: paths, kinds, arrays, what is shared and what is not there yet."""
    truth = legacy.expected(model)
    facts = json.loads((model.file.parent / f"{model.truth}.truth.json").read_text())
    tuples = {path for path, fact in facts["entries"].items() if fact["py"] == "tuple"}
    assert set(source.listing.paths) == set(truth)
    for path, want in truth.items():
        entry = source.listing[path]
        assert entry.kind == want.kind, path
        if want.array is None or path in tuples:  # or a list, an object array
            assert entry.note, path
            assert not want.is_none or entry.shape is None
            continue
        array = source.read(path)
        assert (entry.note, entry.shape, entry.dtype) == ("", array.shape, array.dtype), path
        assert array.dtype == want.array.dtype or want.is_number, path
        np.testing.assert_array_equal(array, want.array, err_msg=path, strict=not want.is_number)
        np.testing.assert_array_equal(np.concatenate([*source.blocks(path)] or [[]]), array.ravel())
    groups: dict[str, list[str]] = {}
    for entry in source.listing:
        groups.setdefault(entry.owner, []).append(entry.path)
    shared = sorted(sorted(group) for group in groups.values() if len(group) > 1)
    assert shared == sorted(map(sorted, facts.get("shared", [])))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_pickle_opens_to_its_truth(shared: Path, folder: str) -> None:
    count = 0
    for model in pickles(shared / "legacy" / folder):
        if model.truth is None:
            continue
        with ft.open(model.file) as source:
            check(source, model)
        count += 1
    assert count >= 6


def test_no_pickle_of_the_folder_is_left_out(shared: Path) -> None:
    found = [m for folder in FOLDERS for m in pickles(shared / "legacy" / folder)]
    stored = {p for p in (shared / "legacy").glob("*/*.pkl*") if p.parent.name != "hostile"}
    assert {m.file for m in found} == stored - {shared / "legacy/dill/joblib.pkl"}
    assert len(found) > 540


def test_lists_of_arrays(shared: Path) -> None:
    """``pickle.dump([p.data for p in model.params()])``: by index, all equal to net's arrays."""
    files = sorted((shared / "legacy").glob("*/arrays_list.p*.pkl"))
    assert len(files) > 15
    for file in files:
        truth = legacy.expected(legacy.Model(file, "net"))
        known = [t.array.tobytes() for t in truth.values() if t.array is not None]
        with ft.open(file) as source:
            assert len(source.listing) > 10
            for i, entry in enumerate(source.listing):
                assert entry.path == f"/{i}"
                assert source.read(entry.path).tobytes() in known, (file, entry.path)


def test_joblib_is_named(shared: Path) -> None:
    with pytest.raises(FormatError, match=r"written by joblib\.dump.*save_npz"):
        ft.open(shared / "legacy/dill/joblib.pkl")


def expectation(shared: Path) -> dict[str, str]:
    facts = json.loads((shared / "legacy/hostile/HOSTILE.json").read_text())
    return {name: fact["expect"] for name, fact in facts.items()}


def test_hostile_files(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, expect in expectation(shared).items():
        start = time.process_time()
        got = outcome(shared / "legacy/hostile" / name)
        assert time.process_time() - start < SECONDS, name
        assert got == "error" or (expect != "error" and got == "no arrays"), (name, got)
    assert not list(tmp_path.iterdir())


def outcome(file: Path) -> str:
    """``error`` where the file, or each of its entries, is refused."""
    try:
        with ft.open(file) as source:
            if not source.listing.paths:
                return "no arrays"
            for path in source.listing.paths:
                with pytest.raises(ChainerFTError):
                    source.read(path)
            return "error"
    except ChainerFTError:
        return "error"


LIMITED = """
import resource, sys
sys.path.insert(0, sys.argv[1])
import chainer_ft as ft
import chainer_ft.formats.pickled.source
from pathlib import Path
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + ({} << 20),) * 2)
for path in sys.argv[2:]:
    try:
        with ft.open(path) as source:
            len(source.listing)
    except ft.ChainerFTError:
        pass
print("done")
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_hostile_files_in_little_memory(shared: Path) -> None:
    files = sorted((shared / "legacy/hostile").glob("*.pkl"))
    command = [sys.executable, "-c", LIMITED.format(MEBIBYTES), str(ROOT), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "done\n", done.stderr


WITHOUT_CHAINER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("chainer", "cupy", "chainerx", "my_lab"):
            raise ImportError(name + " is not installed here")
sys.meta_path.insert(0, Blocker())
sys.path[:0] = sys.argv[1:4]
from pathlib import Path
import chainer_ft as ft
import test_legacy
count = 0
for folder in test_legacy.FOLDERS:
    for model in test_legacy.pickles(Path(sys.argv[4]) / folder):
        if model.truth:
            with ft.open(model.file) as source:
                test_legacy.check(source, model)
            count += 1
assert not {"chainer", "cupy", "my_lab"} & {name.split(".")[0] for name in sys.modules}
print(count)
"""


def test_without_chainer(shared: Path) -> None:
    here = Path(__file__).parent
    folders = [str(here), str(here.parent), str(ROOT), str(shared / "legacy")]
    command = [sys.executable, "-W", "error", "-c", WITHOUT_CHAINER, *folders]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 530


def test_a_model_from_the_field(shared: Path) -> None:
    """A character RNN of 2015, against the standard library's own reading of the opcodes."""
    file = shared / "data/chainer/charrnn_shiratsu/cv/latest.chainermodel"
    opcodes = pickletools.genops(file.read_bytes())
    stored = [arg for op, arg, _ in opcodes if op.name.endswith("BINBYTES") and len(arg) > 8]
    weights, gradients = stored[::2], stored[1::2]
    with ft.open(file) as source:
        sizes = {entry.path: entry.shape for entry in source.listing}
        arrays = [source.read(path) for path in sizes]
    layers = dict.fromkeys(("l1_x", "l1_h", "l2_x", "l2_h"), (512, 128)) | {"l3": (65, 128)}
    expected = {f"/{name}/W": shape for name, shape in layers.items()}
    expected |= {f"/{name}/b": shape[:1] for name, shape in layers.items()}
    assert sizes == {"/embed/W": (65, 128), **expected}
    assert sorted(array.tobytes() for array in arrays) == sorted(weights)
    assert len(gradients) == len(weights) == 11
    assert all(np.isfinite(array).all() and array.dtype == np.float32 for array in arrays)


def test_a_model_may_stand_where_the_classes_are_unknown(shared: Path) -> None:
    """The entries name the class as it was written, and the notes say what pickle would do."""
    with ft.open(shared / "legacy/1.5.1-py2.7/net.p2.pkl") as source:
        assert source.listing["/again/W"].link_type
        assert any("would call" in note and "my_lab.models.Net" in note for note in source.notes)
        assert any("Chainer 1.5" in line and "Python 2" in line for line in source.details)
        entry = source.listing["/again/W"]
    assert replace(entry, link_type=None).path == "/again/W"
