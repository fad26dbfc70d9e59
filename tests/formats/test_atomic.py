"""A file is the old one or the new one, whatever happens to the writer."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.errors import FormatError, PluginError
from chainer_ft.formats.atomic import replacing
from chainer_ft.types import Entry, Listing, Source

WORKER = Path(__file__).with_name("kill_worker.py")
ROOT = WORKER.parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


def child(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment
    )


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may do everything: be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        Path(temporary).write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


# --- ended from outside ---------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_killed_at_any_moment(suffix: str, tmp_path: Path) -> None:
    done = child(str(WORKER), suffix, "60", str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    written, left_behind = map(int, done.stdout.split())
    assert written > 10  # some were killed after a save,
    assert left_behind > 10  # and some within one


FULL = """
import resource, sys
import numpy as np, chainer_ft as ft
from kill_worker import Filled, number_in
from pathlib import Path
file, limit, compress = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "compress"
ft.save(file, Filled(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
class Noise(Filled):
    def read(self, path):
        return np.random.default_rng(0).standard_normal((100, 200)).astype("f4")
try:
    ft.save(file, Noise(2), compress=compress)
except ft.ChainerFTError as error:
    assert number_in(file) == 1
    sys.exit(f"{type(error).__name__}: {error}")
"""


@posix
@pytest.mark.parametrize("compress", ["compress", "plain"])
@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize("limit", [1, 1_000, 100_000, 300_000])
def test_a_full_disk(suffix: str, compress: str, limit: int, tmp_path: Path) -> None:
    file = tmp_path / f"model{suffix}"
    script = f"import sys; sys.path.insert(0, {str(WORKER.parent)!r})\n{FULL}"
    done = child("-c", script, str(file), str(limit), compress)
    said = f"FormatError: {file}: cannot be written: File too large"
    assert done.stderr.strip() == said
    assert done.returncode == 1
    assert names(tmp_path) == [file.name]


# --- ended from inside ----------------------------------------------------------------------------


def test_a_failing_writer_leaves_the_old_file(tmp_path: Path) -> None:
    write(tmp_path / "a", "old")
    for error in (RuntimeError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), replacing(tmp_path / "a") as temporary:
            Path(temporary).write_text("new")
            raise error
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


class Breaking(Source):
    """Breaks at the second array."""

    name = "breaking"
    error: Exception = ValueError("no")

    @property
    def listing(self) -> Listing:
        return Listing(tuple(Entry(f"/{n}", (3,), np.dtype("f4")) for n in "ab"))

    def read(self, path: str) -> np.ndarray:
        if path == "/b":
            raise self.error
        return np.zeros(3, "f4")


@pytest.mark.parametrize("suffix", ["npz", "h5"])
@pytest.mark.parametrize("error", [ValueError("no"), FormatError("x: cut"), MemoryError()])
def test_a_source_that_breaks_half_way(suffix: str, error: Exception, tmp_path: Path) -> None:
    file = tmp_path / f"a.{suffix}"
    file.write_bytes(b"old")
    source = Breaking()
    source.error = error
    with pytest.raises(PluginError if isinstance(error, ValueError) else type(error)):
        ft.save(file, source)
    assert file.read_bytes() == b"old"
    assert names(tmp_path) == [file.name]


def test_nothing_but_a_hidden_file_while_it_is_written(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.npz") as temporary:
        assert names(tmp_path) == [os.path.basename(temporary)]
        assert os.path.basename(temporary).startswith(".a.npz.")
        assert temporary.endswith(".part")


# --- what is left behind --------------------------------------------------------------------------


def test_a_later_save_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    old, young, other = ".a.npz.0123abcd.part", ".a.npz.89abcdef.part", ".b.npz.0123abcd.part"
    for name in (old, young, other):
        (tmp_path / name).write_text("part")
    hours_ago = time.time() - 2 * 3600
    for name in (old, other):
        os.utime(tmp_path / name, (hours_ago, hours_ago))
    write(tmp_path / "a.npz", "whole")
    assert names(tmp_path) == [young, other, "a.npz"]


def test_sweeping_takes_names_as_they_are(tmp_path: Path) -> None:
    stray = tmp_path / ".a*.0123abcd.part"
    innocent = tmp_path / ".ab.0123abcd.part"
    for path in (stray, innocent):
        path.write_text("")
        os.utime(path, (0, 0))
    write(tmp_path / "a*", "whole")
    assert names(tmp_path) == [innocent.name, "a*"]


# --- where it goes --------------------------------------------------------------------------------


@posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("old")
    (tmp_path / "a").symlink_to("real/a")
    (tmp_path / "b").symlink_to("real/b")  # which is not there yet
    write(tmp_path / "a", "new")
    write(tmp_path / "b", "new")
    assert (tmp_path / "a").is_symlink() and (tmp_path / "b").is_symlink()
    assert (tmp_path / "real" / "a").read_text() == "new"
    assert names(tmp_path / "real") == ["a", "b"]


@posix
def test_a_name_of_255_bytes(tmp_path: Path) -> None:
    write(tmp_path / ("a" * 255), "whole")
    write(tmp_path / ("日" * 85), "whole")
    assert len(names(tmp_path)) == 2


@pytest.mark.parametrize("missing", ["nowhere/a.npz", "nowhere/or/else/a.npz"])
def test_no_such_folder(tmp_path: Path, missing: str) -> None:
    with pytest.raises(
        FormatError, match=r"a\.npz: cannot be written: there is no folder .*nowhere"
    ):
        write(tmp_path / missing, "x")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="is a folder; name a file in it"):
        write(tmp_path, "x")


@posix
def test_a_device_stays_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(FormatError, match="is no ordinary file"):
            write(path, "x")
        assert not stat.S_ISREG(path.stat().st_mode)


# --- who may ------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_the_old_files_mode_is_kept(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    file.chmod(mode)
    with replacing(file) as temporary:
        assert stat.S_IMODE(os.stat(temporary).st_mode) & ~mode & 0o077 == 0  # never more open
        Path(temporary).write_text("new")
    assert stat.S_IMODE(file.stat().st_mode) == mode


@posix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_new_file_obeys_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "a", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


@posix
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may give files away")
def test_roots_save_leaves_the_owner(tmp_path: Path) -> None:
    write(tmp_path / "a", "old")
    os.chown(tmp_path / "a", 1234, 5678)
    write(tmp_path / "a", "new")
    found = (tmp_path / "a").stat()
    assert (found.st_uid, found.st_gid) == (1234, 5678)


@pytest.fixture
def open_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that others can reach."""
    above = [tmp_path, *tmp_path.parents]
    closed = [(p, p.stat().st_mode) for p in above if not p.stat().st_mode & stat.S_IXOTH]
    for path, mode in closed:
        path.chmod(mode | 0o711)
    yield tmp_path
    for path, mode in closed:
        path.chmod(mode)


@posix
def test_a_folder_that_may_not_be_written_to(open_folder: Path) -> None:
    folder = open_folder / "closed"
    folder.mkdir()
    (folder / "a").write_text("old")
    (folder / "a").chmod(0o666)
    folder.chmod(0o555)
    with (
        unprivileged(),
        pytest.raises(FormatError, match=r"Permission denied .*; name a file elsew"),
    ):
        write(folder / "a", "new")
    folder.chmod(0o755)
    assert (folder / "a").read_text() == "old"
    assert names(folder) == ["a"]


@posix
def test_a_file_that_was_write_protected(open_folder: Path) -> None:
    open_folder.chmod(0o777)
    file = open_folder / "a"
    file.write_text("old")
    file.chmod(0o444)
    with unprivileged(), pytest.raises(FormatError, match="is write-protected; name another file"):
        write(file, "new")
    assert file.read_text() == "old"
