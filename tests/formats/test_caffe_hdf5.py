"""``.caffemodel.h5`` against h5py, and what its shapes alone say about its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
import pytest

from chainer_ft.errors import FormatError, TruncatedError, UnsafeError
from chainer_ft.formats import caffemodel
from chainer_ft.formats.caffe_hdf5 import LOADER
from chainer_ft.types import Listing, Source

RNG = np.random.default_rng(1)
Layers = dict[str, list[tuple[int, ...]]]
Open = Callable[[Layers], Source]


def write(path: Path, layers: Layers, first: int = 0) -> Path:
    """A net as Caffe writes it: a group for every layer, also for one without arrays."""
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        for name, shapes in layers.items():
            group = data.create_group(name)
            for i, shape in enumerate(shapes, first):
                group[str(i)] = RNG.standard_normal(shape).astype("f4")
    return path


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Writes a net and opens it."""
    with ExitStack() as stack:

        def write_and_open(layers: Layers) -> Source:
            path = write(tmp_path / "net.caffemodel.h5", layers)
            return stack.enter_context(LOADER.open(str(path)))

        yield write_and_open


def test_every_real_file_equals_h5pys_reading(shared: Path) -> None:
    files = sorted(shared.rglob("*.caffemodel.h5"))
    assert len(files) >= 2
    for path in files:
        with LOADER.open(str(path)) as source, h5py.File(path, "r") as file:
            wanted = {
                f"/{layer}/{'Wb'[int(i)]}": dataset[()]
                for layer, group in file["data"].items()
                for i, dataset in group.items()
            }
            assert sorted(source.listing.paths) == sorted(wanted)
            for entry in source.listing:
                array = source.read(entry.path)
                assert (entry.shape, entry.dtype) == (array.shape, array.dtype)
                np.testing.assert_array_equal(array, wanted[entry.path])
                np.testing.assert_array_equal(
                    np.concatenate(list(source.blocks(entry.path))), array.ravel()
                )


def test_layers_stand_in_the_order_of_the_net(shared: Path) -> None:
    (path,) = shared.glob("data/caffe/*/*.caffemodel.h5")
    with LOADER.open(str(path)) as source:
        links = ["/conv1", "/conv2", "/conv3", "/ip1", "/ip2"]
        assert list(source.listing.links) == links
        assert source.listing.paths[:2] == ("/conv1/W", "/conv1/b")
        assert {entry.link_type for entry in source.listing} == {None}
        assert "keeps no layer types" in source.notes[0]


def test_both_formats_of_one_snapshot_agree(shared: Path) -> None:
    folder = shared / "caffe/golden/files"
    with (
        LOADER.open(str(folder / "snaph_iter_5.caffemodel.h5")) as one,
        caffemodel.LOADER.open(str(folder / "snap_iter_5.caffemodel")) as other,
    ):
        assert [(e.path, e.shape) for e in one.listing] == [
            (e.path, e.shape) for e in other.listing
        ]


def test_only_such_files_are_recognised(shared: Path) -> None:
    for path in shared.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                confidence = LOADER.detect(file.read(4096), str(path))
            assert confidence == (0.95 if path.name.endswith(".caffemodel.h5") else 0.0), path


def test_names_by_shapes(opened: Open) -> None:
    source = opened(
        {
            "data": [],
            "conv": [(2, 1, 3, 3), (2,)],
            "fc": [(3, 4)],
            "a/b": [(2, 1, 3, 3, 3), (2,)],
            "prelu": [(4,)],
            "channel_shared": [()],
            "scale": [(6,), (6,)],
            "lstm": [(8, 3), (8,), (8, 2)],
            "two": [(3, 4), (3, 4, 1)],
        }
    )
    assert {entry.path: entry.link_type for entry in source.listing} == {
        "/conv/W": None,
        "/conv/b": None,
        "/fc/W": None,
        "/a/b/W": None,
        "/a/b/b": None,
        "/prelu/W": None,
        "/channel_shared/W": None,
        "/scale/W": "Scale",
        "/scale/bias/b": "Bias",
        "/lstm/0": None,
        "/lstm/1": None,
        "/lstm/2": None,
        "/two/0": None,
        "/two/1": None,
    }
    assert source.listing["/prelu/W"].transforms[0].startswith("taken for the W of a PReLU")
    assert source.listing["/scale/W"].transforms == (
        "taken for a Scale layer: two arrays of one shape",
    )


def test_batch_norm_and_the_scale_behind_it(opened: Open) -> None:
    source = opened(
        {
            "conv": [(4, 1, 1, 1)],
            "bn": [(4,), (4,), (1,)],
            "sc": [(4,), (4,)],
            "relu": [],
            "bn2": [(3,), (3,), (1,)],
            "fc": [(3, 3)],
        }
    )
    assert source.listing.paths == (
        "/conv/W",
        "/bn/gamma",
        "/bn/beta",
        "/bn/avg_mean",
        "/bn/avg_var",
        "/bn2/avg_mean",
        "/bn2/avg_var",
        "/fc/W",
    )
    with h5py.File(source.name, "r") as file:
        mean, _, factor = (file[f"data/bn/{i}"][()] for i in range(3))
        gamma = file["data/sc/0"][()]
    np.testing.assert_array_equal(source.read("/bn/avg_mean"), mean * (np.float32(1) / factor))
    np.testing.assert_array_equal(source.read("/bn/gamma"), gamma)
    words = source.listing["/bn/gamma"].transforms
    assert words == (
        "taken for a Scale layer: two arrays of one shape",
        "stored in the Scale layer 'sc'",
    )
    view = source.for_target(Listing.of({"/sc/W": (4,)}))
    assert view.listing.paths[1:5] == ("/bn/avg_mean", "/bn/avg_var", "/sc/W", "/sc/bias/b")


@pytest.mark.parametrize(
    "layers",
    [
        {"bn": [(4,), (4,), (1,)], "fc": [(4, 4)], "sc": [(4,), (4,)]},
        {"bn": [(4,), (4,), (1,)], "sc": [(5,), (5,)]},
        {"bn": [(4,), (4,), (1,)], "prelu": [(4,)]},
        {"bn": [(4,), (4,), (1,)], "bn2": [(4,), (4,), (1,)], "sc": [(4,), (4,)]},
        {"bn": [(4,), (4,), (1,)], "sc": [(4,), (4,)], "sc2": [(4,), (4,)]},
    ],
)
def test_an_uncertain_scale_stays_apart(opened: Open, layers: Layers) -> None:
    source = opened(layers)
    assert not any(entry.name in ("gamma", "beta") for entry in source.listing)


def test_a_layer_that_shares_its_first_array(tmp_path: Path) -> None:
    path = write(tmp_path / "net.caffemodel.h5", {"tied": [(4,)]}, first=1)
    with LOADER.open(str(path)) as source:
        assert source.listing.paths == ("/tied/1",)


def test_what_chainer_and_others_write_is_not_claimed(tmp_path: Path) -> None:
    path = tmp_path / "f.h5"
    for names in (["data/W"], ["data/conv/W"], ["data/0"], ["data/fc/0", "label"], ["x/fc/0"]):
        with h5py.File(path, "w") as file:
            for name in names:
                file[name] = np.zeros(3, "f4")
        assert LOADER.detect(path.read_bytes()[:4096], str(path)) == 0.0
    assert LOADER.detect(b"PK\x03\x04", str(path)) == 0.0


def test_gradients_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "net.caffemodel.h5", {"fc": [(3, 4)]})
    with h5py.File(path, "a") as file:
        file["diff/fc/0"] = np.zeros((3, 4), "f4")
    assert LOADER.detect(path.read_bytes()[:4096], str(path)) == 0.95
    with LOADER.open(str(path)) as source:
        assert source.listing.paths == ("/fc/W",)


def test_a_damaged_file_is_still_known_by_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "net.caffemodel.h5", {"fc": [(30, 40)]})
    path.write_bytes(path.read_bytes()[:-500])
    assert LOADER.detect(path.read_bytes()[:4096], str(path)) == 0.3
    with pytest.raises(TruncatedError, match=r"net.caffemodel.h5: ends at byte \d+ of \d+"):
        LOADER.open(str(path))


def test_sizes_that_are_not_stored_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data/fc/0", (10**9,), "f4")
    with pytest.raises(UnsafeError, match="/data/fc/0"):
        LOADER.open(str(path))


@pytest.mark.parametrize("name", ["data/W", "data/fc/weight", "elsewhere/fc/0"])
def test_another_layout_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.h5"
    with h5py.File(path, "w") as file:
        file[name] = np.zeros(3, "f4")
    with pytest.raises(FormatError, match=r"net\.h5"):
        LOADER.open(str(path))


def test_numbers_that_are_no_floats_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "net.h5"
    with h5py.File(path, "w") as file:
        file["data/fc/0"] = np.zeros((3, 3), "i4")
    with pytest.raises(FormatError, match="/data/fc/0 is int32"):
        LOADER.open(str(path))
