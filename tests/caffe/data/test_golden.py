"""Data layers against the batches of the real program, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chainer_ft.caffe.data import feeder
from chainer_ft.caffe.data.images import decode, read_image
from chainer_ft.caffe.data.transform import Transform
from chainer_ft.caffe.prototxt import parse_net

MEAN_CROP = 'transform_param { mean_file: "mean.binaryproto" crop_size: 11 scale: 0.5 }'
MEANS = """transform_param { mean_value: 1 mean_value: 2 mean_value: 3 crop_size: 10 scale: 0.1 }"""
GRAY = "transform_param { force_gray: true }"
LISTED = 'source: "list.txt" root_folder: "FILES/img/" batch_size: 3'
RESIZED = f"{LISTED} new_height: 16 new_width: 16"

#: Name in the archive, type of layer, its parameters.
CASES = {
    "lmdb_plain": ("Data", 'data_param { source: "t_lmdb" backend: LMDB batch_size: 4 }'),
    "lmdb_meanfile_crop": (
        "Data",
        f'data_param {{ source: "t_lmdb" backend: LMDB batch_size: 4 }} {MEAN_CROP}',
    ),
    "lmdb_meanvals": (
        "Data",
        f'data_param {{ source: "t_lmdb" backend: LMDB batch_size: 4 }} {MEANS}',
    ),
    "lmdb_mean1": (
        "Data",
        'data_param { source: "t_lmdb" backend: LMDB batch_size: 4 } '
        "transform_param { mean_value: 7 }",
    ),
    "enc": ("Data", 'data_param { source: "te_lmdb" backend: LMDB batch_size: 4 }'),
    "enc_gray": (
        "Data",
        f'data_param {{ source: "te_lmdb" backend: LMDB batch_size: 4 }} {GRAY}',
    ),
    "ldb": ("Data", 'data_param { source: "t_ldb" batch_size: 4 }'),
    "img_resize": ("ImageData", f"image_data_param {{ {RESIZED} }}"),
    "img_gray": ("ImageData", f"image_data_param {{ {RESIZED} is_color: false }}"),
}


@pytest.fixture(scope="module")
def golden(shared: Path) -> Path:
    return shared / "caffe" / "golden"


def feed_of(kind: str, body: str, golden: Path, phase: str = "TEST"):
    files = golden / "files"
    text = body.replace("FILES/", "")
    layer = f'layer {{ name: "d" type: "{kind}" top: "data" top: "label" {text} }}'
    return feeder(parse_net(layer).layer[0], phase, seed=0, root=str(files))


@pytest.mark.parametrize("case", CASES)
def test_batches_equal_those_of_caffe(case: str, golden: Path) -> None:
    kind, body = CASES[case]
    feed = feed_of(kind, body, golden)
    with np.load(golden / "data_layers.npz") as archive:
        wanted = {name: archive[name] for name in archive.files if name.startswith(case + "|")}
    assert wanted
    for number in range(len(wanted) // 2):
        data, label = next(feed)
        assert data.dtype == label.dtype == np.float32
        np.testing.assert_array_equal(data, wanted[f"{case}|{number}|data"])
        np.testing.assert_array_equal(label, wanted[f"{case}|{number}|label"])
    feed.close()


@pytest.mark.parametrize(
    "case, phase, ways", [("img_mirror", "TEST", 2), ("img_train", "TRAIN", 2 * 8 * 8)]
)
def test_random_images_are_among_those_that_we_draw(
    case: str, phase: str, ways: int, golden: Path
) -> None:
    """Every way to crop and mirror is drawn, and each of Caffe's images is one of them."""
    transform = Transform(train=phase == "TRAIN", crop_size=9, mirror=True)
    random = np.random.default_rng(0)
    feed = feed_of("ImageData", f"image_data_param {{ {RESIZED} }}", golden)
    drawn = {}
    with np.load(golden / "data_layers.npz") as archive:
        for number in range(6):
            for place, image in enumerate(next(feed)[0]):
                if (number * 3 + place) // 10 == 0:
                    draws = (transform(image, random, "it").tobytes() for _ in range(10 * ways))
                    drawn[number * 3 + place] = set(draws)
                wanted = archive[f"{case}|{number}|data"][place]
                assert wanted.tobytes() in drawn[(number * 3 + place) % 10]
    feed.close()
    assert {len(images) for images in drawn.values()} == {ways}


@pytest.mark.parametrize("color", [True, False])
def test_images_are_decoded_as_opencv_does(color: bool, golden: Path) -> None:
    with np.load(golden / "imread.npz") as archive:
        names = [name for name in archive.files if name.endswith(f"|{str(color).lower()}")]
        assert len(names) == 8
        for name in names:
            image = read_image(golden / "files" / "im2" / name.partition("|")[0], color)
            np.testing.assert_array_equal(image, archive[name][0], err_msg=name)


def test_an_image_as_stored_keeps_alpha_and_stays_unturned(golden: Path) -> None:
    folder = golden / "files" / "im2"
    stored = {
        f.name: decode(f.read_bytes(), f.name) for f in folder.iterdir() if "16" not in f.name
    }
    channels = {name: image.shape[0] for name, image in stored.items()}
    assert channels["rgba.png"] == 4 and channels["gray.png"] == 1 and channels["pal.png"] == 3
    turned = read_image(folder / "exif6.jpg")
    np.testing.assert_array_equal(stored["exif6.jpg"][:, ::-1].transpose(0, 2, 1), turned)


def test_a_leveldb_that_is_all_log_equals_its_lmdb(golden: Path) -> None:
    one = feed_of("Data", 'data_param { source: "z_ldb_wal_only" batch_size: 7 }', golden)
    two = feed_of("Data", CASES["lmdb_plain"][1].replace("4", "7"), golden)
    for _ in range(4):
        for mine, other in zip(next(one), next(two), strict=True):
            np.testing.assert_array_equal(mine, other)
    one.close()
    two.close()
