"""The layer Data, on databases of both kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from makers import batch, make_leveldb, make_lmdb

from chainer_ft.caffe.data import feeder
from chainer_ft.caffe.data.datum import make_datum
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.errors import FormatError, UsageError


def records(count: int, side: int = 4) -> list[tuple[bytes, bytes]]:
    images = np.random.default_rng(0).integers(0, 256, (count, 2, side, side), np.uint8)
    return [(b"%08d" % i, make_datum(image, i)) for i, image in enumerate(images)]


def layer(path: Path, backend: str = "LMDB", more: str = "", tops: str = 'top: "d" top: "l"'):
    text = f"""layer {{ name: "data" type: "Data" {tops}
      data_param {{ source: "{path}" backend: {backend} batch_size: 3 }} {more} }}"""
    return parse_net(text, "net.prototxt").layer[0]


@pytest.fixture(params=["LMDB", "LEVELDB"])
def database(request, tmp_path: Path) -> tuple[Path, str]:
    if request.param == "LMDB":
        return make_lmdb(tmp_path / "db", records(7)), "LMDB"
    return make_leveldb(tmp_path / "db", {3: [batch(1, records(7))]}), "LEVELDB"


def test_records_come_in_order_and_begin_again(database: tuple[Path, str]) -> None:
    said: list[tuple[str, str]] = []
    feed = feeder(layer(*database), log=lambda *line: said.append(line))
    labels = np.concatenate([next(feed)[1] for _ in range(7)])
    np.testing.assert_array_equal(labels, np.arange(21) % 7)
    feed.close()
    assert said[0] == ("data_layer.cpp:90", "Restarting data prefetching from start.")


@pytest.mark.parametrize("place", [0, 1, 2, 5, 7, 100])
def test_a_feed_goes_on_where_another_stopped(database: tuple[Path, str], place: int) -> None:
    """Mirrors and crops included; this is what makes a resumed run equal to an unbroken one."""
    random = "transform_param { crop_size: 2 mirror: true }"
    unbroken = feeder(layer(*database, random), seed=3)
    for _ in range(place):
        next(unbroken)
    resumed = feeder(layer(*database, random), seed=3)
    resumed.position = place
    for _ in range(6):
        for one, other in zip(next(unbroken), next(resumed), strict=True):
            np.testing.assert_array_equal(one, other)
    unbroken.close()
    resumed.close()


def test_seeds_differ_and_phases_and_layers(database: tuple[Path, str]) -> None:
    random = layer(*database, "transform_param { crop_size: 1 mirror: true }")
    feeds = [feeder(random, phase, seed=s) for phase, s in (("TRAIN", 1), ("TRAIN", 2))]
    other = layer(*database, "transform_param { crop_size: 1 mirror: true }")
    other.set("name", "another")
    feeds.append(feeder(other, "TRAIN", seed=1))
    seen = {np.stack([next(feed)[0] for _ in range(9)]).tobytes() for feed in feeds}
    assert len(seen) == 3
    for feed in feeds:
        feed.close()


def test_without_a_second_top_there_are_no_labels(database: tuple[Path, str]) -> None:
    feed = feeder(layer(*database, tops='top: "d"'))
    assert [array.shape for array in next(feed)] == [(3, 2, 4, 4)]
    feed.close()


def test_sizes_may_differ_where_they_are_cropped(tmp_path: Path) -> None:
    mixed = [(b"%d" % i, make_datum(np.zeros((1, 3 + i, 5), np.uint8), i)) for i in range(3)]
    make_lmdb(tmp_path, mixed)
    cropped = feeder(layer(tmp_path, more="transform_param { crop_size: 3 }"))
    assert next(cropped)[0].shape == (3, 1, 3, 3)
    cropped.close()
    whole = feeder(layer(tmp_path))
    with pytest.raises(FormatError, match=r"key '1': has the shape \(1, 4, 5\).*key '0'"):
        next(whole)
    whole.close()


@pytest.mark.parametrize("backend", ["LMDB", "LEVELDB"])
def test_an_empty_database(backend: str, tmp_path: Path) -> None:
    if backend == "LMDB":
        make_lmdb(tmp_path, [])
    else:
        make_leveldb(tmp_path)
    feed = feeder(layer(tmp_path, backend))
    with pytest.raises(FormatError, match="holds no records"):
        next(feed)
    feed.position = 4
    with pytest.raises(FormatError, match="holds no records"):
        next(feed)
    feed.close()


def test_a_damaged_record_names_database_and_key(tmp_path: Path) -> None:
    make_lmdb(tmp_path, [*records(2), (b"00000002_x", b"\xff\xff")])
    feed = feeder(layer(tmp_path))
    with pytest.raises(FormatError, match=f"{tmp_path}: key '00000002_x'"):
        next(feed)
    feed.close()


def test_the_wrong_backend_is_said(tmp_path: Path) -> None:
    make_lmdb(tmp_path / "a", records(1))
    make_leveldb(tmp_path / "b", {3: [batch(1, records(1))]})
    with pytest.raises(FormatError, match="is an LMDB; say `backend: LMDB`"):
        feeder(layer(tmp_path / "a", "LEVELDB"))
    with pytest.raises(FormatError, match="is a LevelDB; say `backend: LEVELDB`"):
        feeder(layer(tmp_path / "b", "LMDB"))


def test_a_missing_folder_says_where_paths_begin(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="relative to the current folder"):
        feeder(layer(tmp_path / "none"))


@pytest.mark.parametrize("field", ["batch_size", "source"])
def test_what_is_missing_is_named_with_its_line(field: str, tmp_path: Path) -> None:
    made = layer(tmp_path)
    made.data_param.clear(field)
    with pytest.raises(UsageError, match=rf"net\.prototxt:2:\d+: layer 'data' .* needs a {field}"):
        feeder(made)


def test_other_layers_give_no_data() -> None:
    made = parse_net('layer { name: "c" type: "Convolution" }', "net.prototxt").layer[0]
    with pytest.raises(UsageError, match=r"net\.prototxt:1:\d+: .*'Convolution', which gives no"):
        feeder(made)
