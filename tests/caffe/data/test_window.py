"""The layer WindowData: lists, crops and batches, by Caffe's formulas."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chainer_ft.caffe.data import feeder
from chainer_ft.caffe.data.images import read_image
from chainer_ft.caffe.data.resize import resize
from chainer_ft.caffe.data.window_list import read_windows
from chainer_ft.caffe.data.window_warp import Warp, warp_of
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.errors import FormatError, UsageError

LIST = """# 0
a.png
3
12
16
3
2 0.9 2 3 9 10
0 0.1 0 0 5 5
1 0.3 1 1 8 4
# 1
b.png
3
12
16
1
5 0.5 0 0 15 11
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in "ab":
        pixels = rng.integers(0, 256, (12, 16, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    (tmp_path / "w.txt").write_text(LIST)
    return tmp_path


def feed_of(folder: Path, more: str = "", transform: str = "", size: int = 4):
    text = f"""layer {{ name: "w" type: "WindowData" top: "data" top: "label"
      window_data_param {{ source: "w.txt" batch_size: {size} {more} }}
      transform_param {{ crop_size: 8 {transform} }} }}"""
    return feeder(parse_net(text, "n.prototxt").layer[0], seed=1, root=str(folder))


def test_lists(folder: Path) -> None:
    windows = read_windows(folder / "w.txt")
    assert [(w.path, w.label, w.overlap) for w in windows] == [
        ("a.png", 2, 0.9), ("a.png", 0, 0.1), ("a.png", 1, 0.3), ("b.png", 5, 0.5),
    ]  # fmt: skip
    assert windows[0][3:7] == (2, 3, 9, 10) and windows[3].line.endswith("w.txt:16")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("# 0", "0 #", r"w\.txt:1: '0' stands where a line `# INDEX`"),
        ("12", "x", r"w\.txt:4: 'x' stands where the height"),
        ("5 0.5 0 0 15 11\n", "5 0.5 0 0", r"w\.txt: ends where a corner"),
        ("2 0.9 2 3", "2 0.9 10 3", r"w\.txt:7: a window of no size, \(10, 3, 9, 10\)"),
        ("2 0.9", "0 0.9", r"w\.txt:7: a foreground window of class 0"),
        (LIST, "", "lists no windows"),
    ],
)
def test_a_damaged_list_is_named_with_its_line(
    old: str, new: str, message: str, folder: Path
) -> None:
    (folder / "w.txt").write_text(LIST.replace(old, new, 1))
    with pytest.raises(FormatError, match=message):
        feed_of(folder)


@given(content=st.text("#0123 .\n-ab", max_size=60))
def test_any_text_is_a_list_or_an_error(content: str, tmp_path_factory) -> None:
    file = tmp_path_factory.mktemp("w") / "w.txt"
    file.write_text(content)
    try:
        assert read_windows(file)
    except FormatError as error:
        assert re.match(rf"{file}(:\d+)?: ", str(error))


@pytest.mark.parametrize(
    "box, pad, square, flip, warp",
    [
        ((2, 3, 9, 10), 0, False, True, Warp(2, 3, 9, 10, 16, 16)),
        ((5, 6, 8, 9), 4, False, False, Warp(3, 4, 11, 12, 16, 16)),  # twice as large, inside
        ((0, 5, 9, 14), 4, False, False, Warp(0, 0, 15, 19, 12, 15, 4, 0)),  # five pixels outside
        ((0, 5, 9, 14), 4, False, True, Warp(0, 0, 15, 19, 12, 15, 0, 0)),
        ((4, 4, 13, 7), 0, True, False, Warp(4, 1, 14, 11, 16, 16)),  # as high as it is wide
    ],
)
def test_what_goes_where(
    box: tuple[int, int, int, int], pad: int, square: bool, flip: bool, warp: Warp
) -> None:
    """Worked out by hand, in an image of 20x20 and a crop of 16x16."""
    assert warp_of(box, (20, 20), 16, pad, square, flip) == warp


@given(
    st.tuples(*[st.integers(0, 19)] * 4), st.integers(0, 7), st.booleans(), st.booleans()
)  # fmt: skip
def test_the_part_lies_in_the_image_and_in_the_crop(
    corners: tuple[int, ...], pad: int, square: bool, flip: bool
) -> None:
    (x1, x2), (y1, y2) = sorted(corners[:2]), sorted(corners[2:])
    warp = warp_of((x1, y1, x2, y2), (20, 20), 16, pad, square, flip)
    assert 0 <= warp.x1 <= warp.x2 < 20 and 0 <= warp.y1 <= warp.y2 < 20
    assert warp.left >= 0 and warp.left + warp.width <= 16
    assert warp.top >= 0 and warp.top + warp.height <= 16


def test_background_comes_first_and_a_quarter_is_foreground(folder: Path) -> None:
    feed = feed_of(folder, size=8)
    labels = np.array([next(feed)[1] for _ in range(30)])
    assert not labels[:, :6].any() and set(labels[:, 6:].ravel()) == {2, 5}
    feed.close()


def test_thresholds_and_fraction(folder: Path) -> None:
    feed = feed_of(folder, "fg_threshold: 0.3 bg_threshold: 0.2 fg_fraction: 0.5", size=4)
    labels = np.array([next(feed)[1] for _ in range(30)])
    assert set(labels[:, 2:].ravel()) == {1, 2, 5}  # 0.3 is foreground: compared as float32
    feed.close()


def test_crops_are_warped_boxes(folder: Path) -> None:
    feed = feed_of(folder, "fg_fraction: 1 scale: 0.5", "mean_value: 9 mirror: true", size=2)
    boxes = {2: ("a.png", np.s_[:, 3:11, 2:10]), 5: ("b.png", np.s_[:, 0:12, 0:16])}
    seen = set()
    for _ in range(20):
        for crop, label in zip(*next(feed), strict=True):
            name, box = boxes[int(label)]
            plain = (resize(read_image(folder / name)[box], 8, 8).astype(np.float32) - 9) * 0.5
            flipped = not np.array_equal(crop, plain)
            np.testing.assert_array_equal(crop, plain[:, :, ::-1] if flipped else plain)
            seen.add((int(label), flipped))
    assert len(seen) == 4
    feed.close()


def test_what_lies_outside_is_zero_after_the_mean(folder: Path) -> None:
    (folder / "w.txt").write_text("# 0\na.png\n3\n12\n16\n1\n0 0.1 0 0 15 11\n")
    feed = feed_of(folder, "context_pad: 2 fg_fraction: 0", "mean_value: 100", size=1)
    crop = next(feed)[0][0]
    inside = resize(read_image(folder / "a.png"), 4, 4) - np.float32(100)
    np.testing.assert_array_equal(crop[:, 2:6, 2:6], inside)
    crop[:, 2:6, 2:6] = 0
    assert not crop.any()
    feed.close()


def test_a_feed_goes_on_where_another_stopped(folder: Path) -> None:
    whole, resumed = (feed_of(folder, transform="mirror: true") for _ in range(2))
    for _ in range(5):
        next(whole)
    resumed.position = 5
    for one, other in zip(next(whole), next(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
    whole.close()
    resumed.close()


@pytest.mark.parametrize(
    "more, transform, message",
    [
        ("context_pad: 4", "", r"n\.prototxt:2:\d+: no room in a crop of 8"),
        ("", "mean_file: 'x' mean_value: 1", r"n\.prototxt:3:\d+: mean_file and mean_value"),
    ],
)
def test_parameters_that_cannot_be(more: str, transform: str, message: str, folder: Path) -> None:
    with pytest.raises(UsageError, match=message):
        feed_of(folder, more, transform)


def test_a_window_outside_of_its_image(folder: Path) -> None:
    (folder / "w.txt").write_text("# 0\na.png\n3\n12\n16\n1\n0 0.1 0 0 16 11\n")
    feed = feed_of(folder, "fg_fraction: 0", size=1)
    with pytest.raises(FormatError, match=r"w\.txt:7: the window \(0, 0, 16, 11\) is not inside"):
        next(feed)
    feed.close()
