"""The layer HDF5Data."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from chainer_ft.caffe.data import feeder
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.errors import ChainerFTError, FormatError, UsageError


def make(folder: Path, *counts: int) -> Path:
    """Files of so many rows; every row has its own number."""
    first = 0
    for i, count in enumerate(counts):
        with h5py.File(folder / f"{i}.h5", "w") as file:
            rows = np.arange(first, first + count)
            file["data"] = np.stack([rows, -rows], 1).astype(np.float64)[:, :, None]
            file["label"] = rows
        first += count
    (folder / "l.txt").write_text(" \n".join(f"{i}.h5" for i in range(len(counts))))
    return folder


def feed_of(folder: Path, size: int = 4, more: str = "", outside: str = "", seed: int = 0):
    text = f"""layer {{ name: "d" type: "HDF5Data" top: "data" top: "label"
      hdf5_data_param {{ source: "l.txt" batch_size: {size} {more} }} {outside} }}"""
    return feeder(parse_net(text, "n.prototxt").layer[0], seed=seed, root=str(folder))


def rows(feed, count: int) -> list[int]:
    found = []
    for _ in range(count):
        data, label = next(feed)
        assert data.dtype == label.dtype == np.float32 and data.shape[1:] == (2, 1)
        np.testing.assert_array_equal(data[:, 0, 0], label)
        np.testing.assert_array_equal(data[:, 1, 0], -label)
        found += label.astype(int).tolist()
    feed.close()
    return found


@pytest.mark.parametrize("counts", [(10,), (3, 5, 2), (1, 1, 8)])
@pytest.mark.parametrize("size", [1, 4, 23])
def test_batches_run_across_files_and_begin_again(
    counts: tuple[int, ...], size: int, tmp_path: Path
) -> None:
    found = rows(feed_of(make(tmp_path, *counts), size), 12)
    assert found == [i % 10 for i in range(12 * size)]


def test_shuffled_files_and_rows_but_never_across_files(tmp_path: Path) -> None:
    make(tmp_path, 4, 4, 4)
    found = rows(feed_of(tmp_path, 4, "shuffle: true"), 30)
    files = [found[i : i + 4] for i in range(0, 120, 4)]
    assert all(len({row // 4 for row in file}) == 1 for file in files)
    epochs = [tuple(found[i : i + 12]) for i in range(0, 120, 12)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs) and len(set(epochs)) == 10
    assert len({tuple(row // 4 for row in epoch[::4]) for epoch in epochs}) > 1
    assert found == rows(feed_of(tmp_path, 4, "shuffle: true"), 30)


@pytest.mark.parametrize("more", ["", "shuffle: true"])
def test_a_feed_goes_on_where_another_stopped(more: str, tmp_path: Path) -> None:
    make(tmp_path, 3, 5, 2)
    whole = rows(feed_of(tmp_path, 4, more), 20)
    resumed = feed_of(tmp_path, 4, more)
    resumed.position = 7
    assert rows(resumed, 13) == whole[28:]


def test_a_transform_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"n\.prototxt:2:\d+: layer 'd': HDF5Data does not"):
        feed_of(make(tmp_path, 3), outside="transform_param { scale: 2 }")


def test_a_missing_dataset_is_named_with_those_there_are(tmp_path: Path) -> None:
    make(tmp_path, 3, 3)
    with h5py.File(tmp_path / "1.h5", "a") as file:
        del file["label"]
    with pytest.raises(FormatError, match=r"1\.h5: holds no dataset of numbers 'label'.* data"):
        feed_of(tmp_path)


def test_a_group_and_text_are_no_numbers(tmp_path: Path) -> None:
    make(tmp_path, 3)
    with h5py.File(tmp_path / "0.h5", "a") as file:
        del file["label"]
        file.create_group("label")
    with pytest.raises(FormatError, match="holds no dataset of numbers 'label'"):
        feed_of(tmp_path)


def test_different_numbers_of_rows(tmp_path: Path) -> None:
    make(tmp_path, 3)
    with h5py.File(tmp_path / "0.h5", "a") as file:
        del file["label"]
        file["label"] = np.zeros(2)
    with pytest.raises(FormatError, match=r"0\.h5: dataset 'label' has the shape \(2,\)"):
        feed_of(tmp_path)


def test_rows_of_another_shape_in_another_file(tmp_path: Path) -> None:
    make(tmp_path, 3, 3)
    with h5py.File(tmp_path / "1.h5", "a") as file:
        del file["data"]
        file["data"] = np.zeros((3, 2, 2))
    with pytest.raises(FormatError, match=r"1\.h5: dataset 'data' .* \(3, 2, 2\), and \(3, 2, 1\)"):
        feed_of(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    make(tmp_path, 3)
    data = (tmp_path / "0.h5").read_bytes()
    (tmp_path / "0.h5").write_bytes(data[: len(data) // 2])
    with pytest.raises(ChainerFTError, match=r"0\.h5: ends at byte"):
        feed_of(tmp_path)


def test_an_empty_list_and_none(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"l\.txt: cannot be opened"):
        feed_of(tmp_path)
    (tmp_path / "l.txt").write_text("\n\n")
    with pytest.raises(FormatError, match=r"l\.txt: lists no HDF5 files"):
        feed_of(tmp_path)
