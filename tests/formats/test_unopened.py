from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chainer_ft.caffe.data.image_list import read_list
from chainer_ft.caffe.data.window_list import read_windows
from chainer_ft.caffe.prototxt import read_net, read_solver
from chainer_ft.cli.training_values import text_of
from chainer_ft.errors import FormatError
from chainer_ft.formats.h5 import open_file
from chainer_ft.formats.mapped import MappedFile
from chainer_ft.formats.unopened import similar
from chainer_ft.images.finding import find
from chainer_ft.training.schedules.yaml_reading import load

READERS: dict[str, Callable[[str], object]] = {
    "a net": read_net,
    "a solver": read_solver,
    "a mapped file": MappedFile,
    "HDF5": open_file,
    "a list of images": read_list,
    "a list of windows": read_windows,
    "a folder of images": find,
    "a schedule": load,
    "labels": text_of,
}


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> Callable[[str], object]:
    return READERS[request.param]


def said(reader: Callable[[str], object], path: Path | str) -> str:
    with pytest.raises(FormatError) as caught:
        reader(str(path))
    return str(caught.value)


def test_the_nearest_name_is_told(reader: Callable[[str], object], tmp_path: Path) -> None:
    (tmp_path / "lenet_solver.prototxt").write_text("x")
    message = said(reader, tmp_path / "lenet_sover.prototxt")
    assert message.startswith(f"{tmp_path / 'lenet_sover.prototxt'}: cannot be ")
    assert message.count("No such file or directory") == 1
    assert message.endswith(f"did you mean {tmp_path / 'lenet_solver.prototxt'}?")


def test_where_no_name_is_near(reader: Callable[[str], object], tmp_path: Path) -> None:
    assert said(reader, tmp_path / "q").endswith(f"; see `ls {tmp_path}`")
    folder = tmp_path / "none"
    expected = f", nor a folder {folder}; see `ls {tmp_path}`"
    assert said(reader, folder / "q").endswith(expected)


@pytest.mark.parametrize("kind", sorted(READERS.keys() - {"a folder of images"}))
def test_a_folder(kind: str, tmp_path: Path) -> None:
    assert said(READERS[kind], tmp_path).endswith("Is a directory; name a file in it")


def test_a_dangling_link(reader: Callable[[str], object], tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    assert said(reader, link).endswith(f"; see `ls -l {link}`")


def test_a_folder_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    assert similar(f"{tmp_path}/photo/") == f"; did you mean {tmp_path / 'photos'}?"


def test_a_null_character() -> None:
    assert said(read_list, "a\0b").endswith("cannot be opened: embedded null byte")
