"""The layer ImageData and its lists."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chainer_ft.caffe.data import feeder
from chainer_ft.caffe.data.image_list import read_list
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.errors import FormatError, UsageError

PATHS = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), min_size=1)


@given(
    lines=st.lists(st.tuples(PATHS, st.integers(-99, 10**8)), min_size=1),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_lists(lines: list[tuple[str, int]], end: str, tmp_path_factory) -> None:
    file = tmp_path_factory.mktemp("list") / "l.txt"
    file.write_bytes("".join(f"{path} {label}{end}" for path, label in lines).encode())
    listed = read_list(file)
    assert [(one.path, one.label) for one in listed] == lines
    assert listed[-1].line == f"{file}:{len(lines)}"


@pytest.mark.parametrize("line", ["a.png", "", "a.png x", "a.png 1.5", " 3", "a.png 3 ", "a.png -"])
def test_a_line_that_is_none_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text(f"fine.png 1\n{line}\nfine.png 2\n")
    with pytest.raises(FormatError, match=r"l\.txt:2: .* write `PATH LABEL`"):
        read_list(tmp_path / "l.txt")


@given(content=st.binary(max_size=80))
def test_any_bytes_are_a_list_or_an_error_with_its_line(content: bytes, tmp_path_factory) -> None:
    file = tmp_path_factory.mktemp("list") / "l.txt"
    file.write_bytes(content)
    try:
        assert len(read_list(file)) == content.removesuffix(b"\n").count(b"\n") + 1
    except FormatError as error:
        assert re.match(rf"{file}(:\d+)?: ", str(error))


def test_a_null_in_a_path_is_no_crash(folder: Path) -> None:
    (folder / "l.txt").write_bytes(b"im 0.png 0\nim\0.png 1\n")
    feed = feed_of(folder)
    with pytest.raises(FormatError, match=r"l\.txt:2: .*cannot be opened"):
        next(feed)
    feed.close()


def test_an_empty_list_and_none(tmp_path: Path) -> None:
    (tmp_path / "l.txt").touch()
    with pytest.raises(FormatError, match="lists no images"):
        read_list(tmp_path / "l.txt")
    with pytest.raises(FormatError, match=r"none\.txt: cannot be opened"):
        read_list(tmp_path / "none.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images of levels 0, 10, ... 40, and their list."""
    for i in range(5):
        Image.fromarray(np.full((6, 4, 3), 10 * i, np.uint8)).save(tmp_path / f"im {i}.png")
    (tmp_path / "l.txt").write_text("".join(f"im {i}.png {i}\n" for i in range(5)))
    return tmp_path


def feed_of(folder: Path, more: str = "", seed: int = 0, phase: str = "TRAIN"):
    text = f"""layer {{ name: "d" type: "ImageData" top: "data" top: "label"
      image_data_param {{ source: "l.txt" batch_size: 2 {more} }} }}"""
    return feeder(parse_net(text, "n.prototxt").layer[0], phase, seed=seed, root=str(folder))


def labels(feed, count: int) -> list[int]:
    found = []
    for _ in range(count):
        data, label = next(feed)
        assert (data[:, 0, 0, 0] == 10 * label).all()
        found += label.astype(int).tolist()
    feed.close()
    return found


def test_images_come_as_listed_and_begin_again(folder: Path) -> None:
    assert labels(feed_of(folder), 6) == [i % 5 for i in range(12)]


def test_shuffled_each_epoch_has_every_image_once(folder: Path) -> None:
    found = labels(feed_of(folder, "shuffle: true"), 50)
    epochs = [tuple(found[i : i + 5]) for i in range(0, 100, 5)]
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in epochs) and len(set(epochs)) > 5
    assert found == labels(feed_of(folder, "shuffle: true"), 50)
    assert found != labels(feed_of(folder, "shuffle: true", seed=1), 50)


@pytest.mark.parametrize("place", [1, 3, 8])
def test_a_shuffled_feed_goes_on_where_another_stopped(folder: Path, place: int) -> None:
    whole = labels(feed_of(folder, "shuffle: true"), 20)
    resumed = feed_of(folder, "shuffle: true")
    resumed.position = place
    assert labels(resumed, 20 - place) == whole[2 * place :]


def test_rand_skip_begins_somewhere(folder: Path) -> None:
    firsts = {labels(feed_of(folder, "rand_skip: 4", seed), 1)[0] for seed in range(30)}
    assert firsts == {0, 1, 2, 3}


def test_rand_skip_beyond_the_list(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"n\.prototxt:2:\d+: rand_skip skips \d+ of the 5"):
        for seed in range(20):
            feed_of(folder, "rand_skip: 1000", seed)


def test_a_missing_image_names_list_and_line(folder: Path) -> None:
    (folder / "im 1.png").unlink()
    feed = feed_of(folder)
    with pytest.raises(FormatError, match=r"l\.txt:2: .*im 1\.png: cannot be opened"):
        next(feed)
    feed.close()


def test_a_damaged_image_names_list_and_line(folder: Path) -> None:
    (folder / "im 1.png").write_bytes(b"GIF89a")
    feed = feed_of(folder)
    with pytest.raises(FormatError, match=r"l\.txt:2: .*im 1\.png: is no image"):
        next(feed)
    feed.close()


def test_root_folder_is_put_before_without_a_slash(folder: Path) -> None:
    (folder / "l.txt").write_text("0.png 0\n1.png 1\n")
    assert labels(feed_of(folder, 'root_folder: "im "'), 1) == [0, 1]


def test_paths_may_be_absolute(folder: Path) -> None:
    (folder / "l.txt").write_text(f"{folder}/im 2.png 2\nim 0.png 0\n")
    assert labels(feed_of(folder), 1) == [2, 0]


def test_new_height_and_new_width_go_together(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"n\.prototxt:2:\d+: new_height and new_width"):
        feed_of(folder, "new_height: 3")
    feed = feed_of(folder, "new_height: 3 new_width: 9 is_color: false")
    assert next(feed)[0].shape == (2, 1, 3, 9)
    feed.close()
