"""Nothing that a pickle wants to do is done; and it wants in vain much memory or time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import bombs
import hostile
import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.errors import ChainerFTError, FormatError, PluginError
from chainer_ft.formats.pickled.loader import open_pickle

ROOT = Path(ft.__file__).parent.parent
SECONDS, MEBIBYTES = 2.0, 200
CANARY = "canary_file"
BOMBS = bombs.bombs()
ARMED, PLANTED = sorted(hostile.armed(CANARY)), sorted(hostile.planted(CANARY))

ARM = """
import sys, types, warnings
warnings.simplefilter("ignore")
for name in ("chainer", "chainer.variable"):  # the real one needs a patched NumPy
    sys.modules[name] = types.ModuleType(name)
sys.modules["chainer.variable"]._recover_parameter = lambda *args: args
sys.path[:0] = sys.argv[1:2]
import hostile, pickle
for number, key in enumerate(sorted(hostile.armed("x"))):
    try:
        pickle.loads(hostile.armed(f"canary_{number}")[key])
    except Exception:
        pass
"""


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with a module that leaves a trace when it is imported."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{hostile.MODULE}.py").write_text(f"open({CANARY!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def look(file: Path) -> str:
    """Everything that can be seen of a file, or the error; arrays are read and checked."""
    try:
        with open_pickle(str(file)) as source:
            for entry in source.listing.entries[:50]:
                try:
                    array = source.read(entry.path)
                except ChainerFTError as error:
                    assert entry.note or "bytes" in str(error)
                    continue
                assert (array.shape, array.dtype) == (entry.shape, entry.dtype)
            return "\n".join([str(source), *source.notes, *source.details])
    except FormatError as error:
        return str(error)


def assert_harmless(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    before, start = list(sys.path), time.process_time()
    seen = look(file)
    assert time.process_time() - start < SECONDS
    assert not Path(CANARY).exists()
    assert hostile.VARIABLE not in os.environ
    assert hostile.MODULE not in sys.modules
    assert not hasattr(np.prod, hostile.ATTRIBUTE) and not hasattr(np.prod, "a")
    assert sys.path == before
    assert all(c.isprintable() or c == "\n" for c in seen), ascii(seen)
    return seen


@pytest.mark.skipif(os.name != "posix", reason="the pickles run touch")
def test_the_pickles_are_loaded(tmp_path: Path) -> None:
    """Python's own pickle runs every one of them: a canary that cannot die proves nothing."""
    command = [sys.executable, "-c", ARM, str(Path(hostile.__file__).parent)]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=300, check=True)
    alive = [key for i, key in enumerate(ARMED) if not (tmp_path / f"canary_{i}").exists()]
    assert not alive
    assert len(ARMED) >= 70


@pytest.mark.parametrize("key", ARMED)
def test_nothing_is_called(trap: Path, key: str) -> None:
    assert_harmless(trap / "x.pkl", hostile.armed(CANARY)[key])


@pytest.mark.parametrize("key", PLANTED)
def test_nothing_is_changed_or_imported(trap: Path, key: str) -> None:
    assert_harmless(trap / "x.pkl", hostile.planted(CANARY)[key])


@pytest.mark.parametrize("key", sorted(BOMBS))
def test_nothing_explodes(trap: Path, key: str) -> None:
    assert_harmless(trap / "x.pkl", BOMBS[key])


def test_the_notes_name_what_pickle_would_do(trap: Path) -> None:
    planted = hostile.planted(CANARY)
    told = assert_harmless(trap / "x.pkl", planted["import"])
    assert f"would import {hostile.MODULE}.anything; nothing was imported" in told
    told = assert_harmless(trap / "x.pkl", hostile.armed(CANARY)["names in unicode escapes"])
    assert "would call os.system; nothing was called" in told
    told = assert_harmless(trap / "x.pkl", hostile.armed(CANARY)["runstring"])
    assert "numpy.testing._private.utils.runstring" in told
    told = assert_harmless(trap / "x.pkl", planted["gadget chainer.cuda.os.system"])
    assert "chainer.cuda.os.system" in told
    told = assert_harmless(trap / "x.pkl", planted["environment by SETITEM"])
    assert "set items of 'os.environ'" in told
    told = assert_harmless(trap / "x.pkl", planted["attribute by BUILD"])
    assert "set attributes of 'numpy.prod'" in told
    told = assert_harmless(trap / "x.pkl", planted["persistent id"])
    assert "persistent id" in told


def test_the_front_door(trap: Path) -> None:
    """``ft.open`` tells loaders apart by content: no hostile file makes it raise anything else."""
    for content in (*hostile.armed(CANARY).values(), *hostile.planted(CANARY).values()):
        (trap / "x.pkl").write_bytes(content)
        try:
            ft.open(trap / "x.pkl").close()
        except ChainerFTError as error:
            assert not isinstance(error, PluginError)
    assert not Path(CANARY).exists()


LIMITED = """
import resource, sys
sys.path[:0] = sys.argv[1:]
import bombs, test_hostile
from pathlib import Path
made = bombs.bombs()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (%d << 20),) * 2)
for key, content in made.items():
    Path("x.pkl").write_bytes(content)
    try:
        test_hostile.look(Path("x.pkl"))
    except MemoryError:
        print(key)
print("done")
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_bombs_in_little_memory(tmp_path: Path) -> None:
    folder = str(Path(hostile.__file__).parent)
    command = [sys.executable, "-c", LIMITED % MEBIBYTES, folder, str(ROOT)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.stdout == "done\n", done.stdout + done.stderr
