"""Every ``.caffemodel`` there is, against google.protobuf, and every freedom of the format."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import caffe_encoder as enc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainer_ft.errors import FormatError, TruncatedError
from chainer_ft.formats.caffemodel import LOADER
from chainer_ft.types import Entry, Listing, Source
from chainer_ft.types.source import BLOCK_BYTES

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("f4")


Open = Callable[[bytes], Source]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Writes a net and opens it."""
    with ExitStack() as stack:

        def write_and_open(data: bytes) -> Source:
            (tmp_path / "net.caffemodel").write_bytes(data)
            return stack.enter_context(LOADER.open(str(tmp_path / "net.caffemodel")))

        yield write_and_open


def shapes(source: Source) -> dict[str, tuple[int, ...] | None]:
    return {entry.path: entry.shape for entry in source.listing}


def assert_equal(got: np.ndarray, wanted: np.ndarray) -> None:
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


# --- real files -----------------------------------------------------------------------------

REAL = [
    "data/caffe/*/*.caffemodel",
    "legacy/caffe/*.caffemodel",
    "caffe/golden/files/*.caffemodel",
    "caffe/golden/caffefunction_nets/*.caffemodel",
]


def real_files(shared: Path) -> list[Path]:
    return sorted(path for pattern in REAL for path in shared.glob(pattern))


def test_every_real_file_equals_protobufs_reading(shared: Path) -> None:
    files = real_files(shared)
    assert len(files) >= 53
    for path in files:
        blobs = list(enc.stored_blobs(path.read_bytes()).items())
        with LOADER.open(str(path)) as source:
            norms = sum(e.name == "avg_mean" for e in source.listing)
            assert len(source.listing) == len(blobs) - norms, path  # the factor is no entry
            stored = {
                entry.path: source.read(entry.path)
                for entry in source.listing
                if entry.kind == "param"
            }
        if not norms:  # order and numbers, one to one
            for array, (_, wanted) in zip(stored.values(), blobs, strict=True):
                wanted = wanted.T if path.name.startswith("ip_T") and wanted.ndim == 2 else wanted
                np.testing.assert_array_equal(array.ravel(), wanted.ravel())
        known = {blob.astype(blob.dtype).tobytes() for _, blob in blobs} | {
            np.ascontiguousarray(blob.T).tobytes() for _, blob in blobs
        }
        assert all(array.tobytes() in known for array in stored.values()), path


def test_every_real_file_is_recognised_and_nothing_else(shared: Path) -> None:
    for path in shared.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                confidence = LOADER.detect(file.read(4096), str(path))
            assert confidence == (0.9 if path.suffix == ".caffemodel" else 0.0), path


@pytest.mark.parametrize(
    "name",
    ["v1", "v1_unpacked", "v2", "v2_diff", "v2_double", "v2_shape_unpacked"],
)
def test_tiny_nets_equal_their_truth(shared: Path, name: str) -> None:
    truth = np.load(shared / f"legacy/caffe/tiny_{name}.truth.npz")
    with LOADER.open(str(shared / f"legacy/caffe/tiny_{name}.caffemodel")) as source:
        keys = {key: key.replace("%2F", "/").split("|") for key in truth}
        wanted = {f"/{link}/{'Wb'[int(i)]}": truth[key] for key, (link, i) in keys.items()}
        assert sorted(wanted) == sorted(source.listing.paths)
        for path, array in wanted.items():
            got = source.read(path)
            assert got.shape == array.shape, path
            np.testing.assert_array_equal(got, array.astype(got.dtype))


def test_v1_names_shapes_and_order(shared: Path) -> None:
    folder = shared / "data/caffe/cifar10_quick_v1_everpeace"
    with LOADER.open(str(folder / "cifar10_quick_iter_4000.caffemodel")) as source:
        assert shapes(source) == {
            "/conv1/W": (32, 3, 5, 5),
            "/conv1/b": (32,),
            "/conv2/W": (32, 32, 5, 5),
            "/conv2/b": (32,),
            "/conv3/W": (64, 32, 5, 5),
            "/conv3/b": (64,),
            "/ip1/W": (64, 1024),
            "/ip1/b": (64,),
            "/ip2/W": (10, 64),
            "/ip2/b": (10,),
        }
        assert [e.link_type for e in source.listing][::4] == ["Convolution2D"] * 2 + ["Linear"]
        assert source.listing["/ip1/b"].transforms == ("shape (1, 1, 1, 64) in the file",)


def test_depthwise_convolutions_keep_their_grouped_shape(shared: Path) -> None:
    with LOADER.open(str(shared / "data/caffe/ultraface/RFB-320.caffemodel")) as source:
        assert len(source.listing) == 104
        assert source.listing["/266/W"].shape == (32, 1, 3, 3)  # 32 groups
        assert sum(entry.size for entry in source.listing) == 273888


def test_batch_norm_and_scale_of_a_real_net(shared: Path) -> None:
    path = shared / "data/caffe/simplenet_mnist_slim/slimnet_fx_310k_iter_39000.caffemodel"
    blobs = enc.stored_blobs(path.read_bytes())
    with LOADER.open(str(path)) as source:
        norms = [entry.link for entry in source.listing if entry.name == "avg_mean"]
        assert len(norms) == 10
        for norm in norms:
            scale = norm[1:].replace("bn", "scale")
            factor = np.float32(1) / blobs[norm[1:], 2]
            for name, wanted in (
                ("gamma", blobs[scale, 0]),
                ("beta", blobs[scale, 1]),
                ("avg_mean", blobs[norm[1:], 0] * factor),
                ("avg_var", blobs[norm[1:], 1] * factor),
            ):
                assert_equal(source.read(f"{norm}/{name}"), wanted)
            assert source.listing[f"{norm}/gamma"].link_type == "BatchNormalization"
        assert "divided by the scale factor" in source.listing[f"{norm}/avg_var"].transforms[0]


def test_a_transposed_inner_product_is_chainers(shared: Path) -> None:
    folder = shared / "caffe/golden/caffefunction_nets"
    ((_, wanted),) = list(enc.stored_blobs((folder / "ip_T.caffemodel").read_bytes()).items())[:1]
    with LOADER.open(str(folder / "ip_T.caffemodel")) as source:
        entry = source.listing.entries[0]
        assert entry.transforms == ("transposed",)
        assert_equal(source.read(entry.path), wanted.T)
        assert source.read(entry.path).flags.c_contiguous


@pytest.mark.parametrize("chainer", ["2.1.0-py3.6", "3.5.0-py3.6", "5.4.0-py3.7", "7.8.1-py3.8"])
@pytest.mark.parametrize("name", ["tiny_v1", "tiny_v2", "tiny_v2_bn"])
def test_chainers_own_reading_is_the_same(shared: Path, chainer: str, name: str) -> None:
    """CaffeFunction of four Chainers read these nets and saved them as npz."""
    npz = np.load(shared / f"legacy/{chainer}/caffe_{name}.npz")
    wanted = {f"/{key}": npz[key] for key in npz if not key.endswith("/N")}
    with LOADER.open(str(shared / f"legacy/caffe/{name}.caffemodel")) as source:
        view = source.for_target(Listing.of({path: a.shape for path, a in wanted.items()}))
        assert sorted(view.listing.paths) == sorted(wanted)
        for path, array in wanted.items():
            if path == "/inc/1x1/W":  # Chainer makes a dense kernel of two groups
                array = np.concatenate([array[:2, :2], array[2:, 2:]])
            assert_equal(view.read(path), array)


# --- names ------------------------------------------------------------------------------------


def test_names_by_layer_type(opened: Open) -> None:
    source = opened(
        enc.net(
            enc.layer_v2("data", "Input", tops=["data"]),
            enc.layer_v2("c3", "Convolution", [enc.blob(numbers(2, 1, 3, 3, 3))]),
            enc.layer_v2("up", "Deconvolution", [enc.blob(numbers(2, 1, 4, 4))]),
            enc.layer_v2("a/b", "PReLU", [enc.blob(numbers(4))]),
            enc.layer_v2("shared", "PReLU", [enc.blob(numbers())]),
            enc.layer_v2("17", "Embed", [enc.blob(numbers(5, 3)), enc.blob(numbers(3))]),
            enc.layer_v2("s", "Scale", [enc.blob(numbers(4)), enc.blob(numbers(4))]),
            enc.layer_v2("two", "Scale", [enc.blob(numbers(4))], bottoms=["x", "y"]),
            enc.layer_v2("o", "Bias", [enc.blob(numbers(1, 4))]),
            enc.layer_v2("mine", "MyLayer", [enc.blob(numbers(2)), enc.blob(numbers(3))]),
            enc.layer_v2("three", "Convolution", [enc.blob(numbers(2, 1, 1, 1))] * 3),
        ),
    )
    listed = {entry.path: (entry.shape, entry.link_type) for entry in source.listing}
    assert listed == {
        "/c3/W": ((2, 1, 3, 3, 3), "ConvolutionND"),
        "/up/W": ((2, 1, 4, 4), "Deconvolution2D"),
        "/a/b/W": ((4,), "PReLU"),
        "/shared/W": ((), "PReLU"),
        "/17/W": ((5, 3), "EmbedID"),
        "/17/b": ((3,), "EmbedID"),
        "/s/W": ((4,), "Scale"),
        "/s/bias/b": ((4,), "Bias"),
        "/two/bias/b": ((4,), "Bias"),
        "/o/b": ((1, 4), "Bias"),
        "/mine/0": ((2,), "MyLayer"),
        "/mine/1": ((3,), "MyLayer"),
        "/three/W": ((2, 1, 1, 1), "Convolution2D"),
        "/three/b": ((2,), "Convolution2D"),
        "/three/2": ((2, 1, 1, 1), "Convolution2D"),
    }


def test_layers_without_a_name_and_of_one_name(opened: Open) -> None:
    first, last, none = numbers(2, 3), numbers(2, 3), numbers(1, 1)
    source = opened(
        enc.net(
            enc.layer_v2("fc", "InnerProduct", [enc.blob(first)]),
            enc.layer_v2(None, "InnerProduct", [enc.blob(none)]),
            enc.layer_v2("fc", "InnerProduct", [enc.blob(last)]),
        ),
    )
    assert source.listing.paths == ("/fc#0/W", "/unnamed_1/W", "/fc/W")
    assert_equal(source.read("/fc/W"), last)
    assert_equal(source.read("/fc#0/W"), first)
    assert any("/unnamed_1" in note for note in source.notes)
    assert any("fc" in note and "last one win" in note for note in source.notes)


def test_a_path_that_two_types_would_share_stands_there_once(opened: Open) -> None:
    source = opened(
        enc.net(
            enc.layer_v2("s", "Scale", [enc.blob(numbers(4)), enc.blob(numbers(4))]),
            enc.layer_v2("s/bias", "Bias", [enc.blob(numbers(4))]),
        ),
    )
    assert source.listing.paths == ("/s#0/W", "/s#0/bias/b", "/s/bias/b")


def test_a_net_without_weights_says_so(opened: Open) -> None:
    source = opened(enc.net(enc.layer_v2("relu", "ReLU")))
    assert len(source.listing) == 0
    assert source.notes == ("no layer of this net has weights",)


# --- BatchNorm and Scale ----------------------------------------------------------------------


def norm_blobs(factor: float = 2.0, **how: bool) -> list[bytes]:
    arrays = numbers(4), np.abs(numbers(4)), np.array([factor], "f4")
    return [enc.blob(array, **how) for array in arrays]


def scale(name: str, bottoms: list[str], *, size: int = 4, bias: bool = True, extra: bytes = b""):
    blobs = [enc.blob(numbers(size))] * (1 + bias)
    return enc.layer_v2(name, "Scale", blobs, bottoms, [name], extra)


def norm(bottoms: list[str], tops: list[str], **how: float) -> bytes:
    return enc.layer_v2("bn", "BatchNorm", norm_blobs(**how), bottoms, tops)


RELU_IN_PLACE = enc.layer_v2("relu", "ReLU", [], ["bn"], ["bn"])
STATISTICS = ("/bn/avg_mean", "/bn/avg_var")
MERGED = ("/bn/gamma", "/bn/beta", *STATISTICS)
APART = (*STATISTICS, "/sc/W", "/sc/bias/b")


@pytest.mark.parametrize(
    ("layers", "paths"),
    [
        ([norm(["c"], ["bn"]), scale("sc", ["bn"])], MERGED),
        ([norm(["c"], ["c"]), scale("sc", ["c"])], MERGED),
        ([norm([], []), scale("sc", [])], MERGED),
        ([norm(["c"], ["bn"]), scale("sc", [])], MERGED),
        ([norm(["c"], ["bn"]), enc.layer_v2("x", "ReLU"), scale("sc", ["bn"])], MERGED),
        ([norm(["c"], ["bn"]), scale("sc", ["bn"], bias=False)], ("/bn/gamma", *STATISTICS)),
        ([norm(["c"], ["bn"]), RELU_IN_PLACE, scale("sc", ["bn"])], APART),
        ([norm(["c"], ["bn"]), scale("sc", ["other"])], APART),
        ([norm(["c"], ["bn"]), scale("sc", ["bn", "gate"])], (*STATISTICS, "/sc/bias/b", "/sc/1")),
        ([norm(["c"], ["bn"]), scale("sc", ["bn"], size=3)], APART),
        (
            [
                norm(["c"], ["bn"]),
                scale("sc", ["bn"], extra=enc.message(142, enc.number(1, 2))),
            ],
            APART,
        ),
        (
            [
                norm(["c"], ["bn"]),
                scale("sc", ["bn"]),
                enc.layer_v2("sum", "Eltwise", [], ["bn", "sc"], ["sum"]),
            ],
            APART,  # another layer reads the statistics without the scale
        ),
    ],
)
def test_which_scale_is_the_second_half_of_a_norm(
    opened: Open, layers: list[bytes], paths: tuple[str, ...]
) -> None:
    source = opened(enc.net(*layers))
    assert source.listing.paths == paths


def test_kinds_and_words_of_a_merged_norm(opened: Open) -> None:
    source = opened(enc.net(norm(["c"], ["bn"]), scale("sc", ["bn"])))
    kinds = [entry.kind for entry in source.listing]
    assert kinds == ["param", "param", "persistent", "persistent"]
    assert source.listing["/bn/gamma"].transforms == ("stored in the Scale layer 'sc'",)
    assert source.listing["/bn/avg_var"].transforms == ("divided by the scale factor 2",)
    assert source.notes == ("Scale layers read as gamma and beta of the BatchNorm before them: sc",)


def test_a_target_with_its_own_scale_links_gets_them(opened: Open) -> None:
    source = opened(
        enc.net(
            norm(["c"], ["bn"]),
            scale("sc", ["bn"]),
            enc.layer_v2("bn2", "BatchNorm", norm_blobs(), ["sc"], ["bn2"]),
            scale("sc2", ["bn2"]),
        ),
    )
    second = ("/bn2/gamma", "/bn2/beta", "/bn2/avg_mean", "/bn2/avg_var")
    assert source.for_target(Listing.of({"/bn/gamma": (4,)})) is source
    for target in ("/sc/W", "/sc/bias/b", "/base/sc/W"):
        view = source.for_target(Listing.of({target: (4,)}))
        assert view.listing.paths == (*APART, *second)
        assert_equal(view.read("/sc/W"), source.read("/bn/gamma"))
        assert view.notes[0].endswith("before them: sc2")
        assert view.for_target(Listing.of({"/bn/gamma": (4,)})).listing == source.listing


def test_the_factor_is_multiplied_as_caffe_does(opened: Open) -> None:
    factor = np.float32(999.98236)
    mean, var = numbers(64), numbers(64)
    blobs = [enc.blob(mean), enc.blob(var), enc.blob([factor])]
    source = opened(enc.net(enc.layer_v2("bn", "BatchNorm", blobs)))
    assert_equal(source.read("/bn/avg_mean"), mean * (np.float32(1) / factor))
    assert (mean / factor != mean * (np.float32(1) / factor)).any()  # else nothing was shown


def test_a_factor_of_zero_means_zeros(opened: Open) -> None:
    source = opened(enc.net(norm(["c"], ["bn"], factor=0.0)))
    assert_equal(source.read("/bn/avg_mean"), np.zeros(4, "f4"))
    assert "scale factor is 0" in source.listing["/bn/avg_var"].transforms[0]


def test_legacy_shapes_of_a_norm(opened: Open) -> None:
    blobs = [enc.blob(a.reshape(1, 4, 1, 1), legacy=True) for a in (numbers(4), numbers(4))]
    blobs.append(enc.blob([1.0], legacy=True))
    source = opened(enc.net(enc.layer_v2("bn", "BatchNorm", blobs)))
    assert shapes(source) == {"/bn/avg_mean": (4,), "/bn/avg_var": (4,)}
    assert source.listing["/bn/avg_mean"].transforms[0] == "shape (1, 4, 1, 1) in the file"


def test_a_forks_norm_is_not_interpreted(opened: Open) -> None:
    blobs = [enc.blob(numbers(4))] * 5
    source = opened(enc.net(enc.layer_v2("bn", "BatchNorm", blobs)))
    assert source.listing.paths == tuple(f"/bn/{i}" for i in range(5))
    assert "as some forks write them" in source.notes[0]


# --- the freedoms of the format ---------------------------------------------------------------

HOW = st.fixed_dictionaries(
    {
        "packing": st.sampled_from(["packed", "unpacked", "mixed"]),
        "double": st.booleans(),
        "diff": st.booleans(),
        "legacy": st.booleans(),
        "shape_first": st.booleans(),
        "dims_packed": st.booleans(),
        "junk": st.sampled_from([b"", enc.number(77, 5), enc.text(78, b"x" * 40), b"\xd5\x04abcd"]),
    }
)
NAME = st.text(st.characters(exclude_categories=["C"]), max_size=5)
SHAPE = st.lists(st.integers(0, 5), max_size=4).map(tuple)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 2),
    st.lists(st.tuples(NAME, st.lists(st.tuples(SHAPE, HOW), max_size=3)), max_size=4),
)
def test_every_spelling_reads_as_protobuf_reads_it(tmp_path_factory, generation, layers) -> None:
    data = enc.net()
    for name, blobs in layers:
        made = [enc.blob(numbers(*shape), **how) for shape, how in blobs]
        write = (enc.layer_v0, enc.layer_v1, enc.layer_v2)[generation]
        data += write(name, ("custom", 77, "Custom")[generation], made, extra=enc.number(3000, 1))
    data += (enc.layer_v0("", ""), enc.layer_v1("", 0), enc.layer_v2("", ""))[generation]
    path = tmp_path_factory.mktemp("net") / "net.caffemodel"
    path.write_bytes(data)
    with LOADER.open(str(path)) as source:
        parsed = enc.parse("NetParameter", data)
        found = [la.layer if la.HasField("layer") else la for la in parsed.layers] or parsed.layer
        wanted = [enc.array_of(proto) for layer in found for proto in layer.blobs]
        assert len(source.listing) == len(wanted)
        for path, array in zip(source.listing.paths, wanted, strict=True):
            assert_equal(source.read(path), array)
            blocks = [block.copy() for block in source.blocks(path)] or [np.empty(0, array.dtype)]
            assert_equal(np.concatenate(blocks), array.ravel())
        assert LOADER.detect(data[:4096], "x") >= 0.3


@pytest.mark.parametrize("generation", [0, 1])
def test_old_generations_by_name(opened: Open, generation: int) -> None:
    weight, bias, kernel = numbers(3, 8), numbers(3), numbers(2, 1, 3, 3)
    blobs = [enc.blob(weight, legacy=True), enc.blob(bias, legacy=True)]
    conv = [enc.blob(kernel, legacy=True), enc.blob(numbers(2), legacy=True)]
    if generation:
        layers = enc.layer_v1("fc", 14, blobs), enc.layer_v1("conv", 4, conv)
    else:
        layers = enc.layer_v0("fc", "innerproduct", blobs), enc.layer_v0("conv", "conv", conv)
    source = opened(enc.net(*layers))
    assert shapes(source) == {
        "/fc/W": (3, 8),
        "/fc/b": (3,),
        "/conv/W": (2, 1, 3, 3),
        "/conv/b": (2,),
    }
    assert_equal(source.read("/fc/W"), weight)
    assert_equal(source.read("/conv/W"), kernel)
    assert [entry.link_type for entry in source.listing][::2] == ["Linear", "Convolution2D"]


def test_a_layer_written_in_two_pieces_is_one(opened: Open) -> None:
    parts = enc.text(1, "fc") + enc.text(2, "innerproduct"), enc.message(50, enc.blob(numbers(3)))
    data = enc.message(2, b"".join(enc.message(1, part) for part in parts))
    assert opened(data).listing.paths == ("/fc/W",)


def test_legacy_numbers_win_over_a_shape(opened: Open) -> None:
    both = enc.number(4, 6) + enc.blob(numbers(2, 3))
    zero = enc.number(1, 0)  # present, so the shape is 0 x 0 x 0 x 0
    layers = [enc.layer_v2("fc", "Other", [blob]) for blob in (both, zero)]
    with pytest.raises(FormatError, match=r"shape \(0, 0, 0, 6\) is 0 numbers, but 6"):
        opened(enc.net(layers[0]))
    assert shapes(opened(enc.net(layers[1]))) == {"/fc/0": (0, 0, 0, 0)}


def test_the_last_of_two_scalars_wins(opened: Open) -> None:
    data = enc.net(enc.layer_v2("old", "ReLU", [enc.blob(numbers(2))], extra=enc.text(1, "new")))
    assert opened(data).listing.paths == ("/new/0",)


@pytest.mark.parametrize("extra", [b"\xea\x07\x05\xff\xff\xff\xff\xff", enc.message(117, b"\x0b")])
def test_a_strange_layer_parameter_is_no_error(opened: Open, extra: bytes) -> None:
    layer = enc.layer_v2("fc", "InnerProduct", [enc.blob(numbers(2, 3))], extra=extra)
    assert shapes(opened(enc.net(layer))) == {"/fc/W": (2, 3)}


def test_names_that_are_no_text(opened: Open) -> None:
    layer = enc.message(100, enc.text(1, b"caf\xe9") + enc.message(7, enc.blob(numbers(2))))
    assert opened(layer).listing.paths == ("/caf\\xe9/0",)


# --- reading ----------------------------------------------------------------------------------


def test_arrays_are_the_callers_own(opened: Open) -> None:
    source = opened(enc.net(enc.layer_v2("fc", "InnerProduct", [enc.blob(numbers(2, 3))])))
    first = source.read("/fc/W")
    first[:] = 0
    assert source.read("/fc/W").any()
    assert first.flags.aligned
    assert first.flags.writeable
    with pytest.raises(KeyError):
        source.read("/fc/b")
    source.close()


def test_large_arrays_come_in_blocks(opened: Open) -> None:
    array = np.arange(2_500_000, dtype="f4")
    data = enc.message(5, array.tobytes()) + enc.message(7, enc.message(1, enc.varint(array.size)))
    source = opened(enc.net(enc.layer_v2("fc", "Other", [data])))
    blocks = [(block.size, block.copy()) for block in source.blocks("/fc/0")]
    sizes = [size for size, _ in blocks]
    assert max(sizes) == BLOCK_BYTES // 4
    assert len(sizes) == -(-array.nbytes // BLOCK_BYTES)
    assert_equal(np.concatenate([block for _, block in blocks]), array)


def test_listing_a_large_net_does_not_read_it(tmp_path: Path) -> None:
    path = tmp_path / "large.caffemodel"
    size = 1 << 27
    with path.open("wb") as file:  # 38 blobs, about 5 GB, all holes
        for i in range(38):
            blob = enc.varint(5 << 3 | 2) + enc.varint(size)
            shape = enc.message(7, enc.message(1, enc.varint(size // 4)))
            head = enc.text(1, f"layer{i}") + enc.text(2, "Other") + b"\x3a"
            head += enc.varint(len(blob) + size + len(shape)) + blob
            file.write(b"\xa2\x06" + enc.varint(len(head) + size + len(shape)) + head)
            file.seek(size, 1)
            file.write(shape)
    start = time.process_time()
    with LOADER.open(str(path)) as source:
        assert time.process_time() - start < 0.05
        assert [entry.nbytes for entry in source.listing] == [size] * 38
        assert source.read("/layer37/0").size == size // 4


# --- errors -----------------------------------------------------------------------------------


def test_both_generations_in_one_file(opened: Open) -> None:
    data = enc.net(enc.layer_v1("a", 4), enc.layer_v2("b", "Convolution"))
    with pytest.raises(FormatError, match=r"net.caffemodel: old `layers` and new `layer`"):
        opened(data)


@pytest.mark.parametrize(
    ("blob", "says"),
    [
        (enc.blob(numbers(3)) + enc.floats(5, [1.0]), r"shape \(3,\) is 3 numbers, but 4"),
        (enc.message(7, enc.message(1, enc.varint(10**9))), "is 1000000000 numbers, but 0"),
        (b"", r"shape \(\) is 1 numbers, but 0"),
        (enc.message(7, enc.number(1, -3)), "negative size"),
        (enc.message(7, enc.message(1, enc.varint(2**62) * 3 + b"\0")), "more than any"),
        (enc.message(7, enc.message(1, b"\1" * 1000)), "more than 32 axes"),
        (enc.message(5, b"12345"), "no whole number of floats"),
        (enc.message(8, b"12345"), "no whole number of floats"),
        (b"\x2b", "wire type 3"),
    ],
)
def test_a_damaged_blob_names_file_layer_and_byte(opened: Open, blob: bytes, says: str) -> None:
    data = enc.net(enc.layer_v2("fc", "InnerProduct", [enc.blob(numbers(2)), blob]))
    with pytest.raises(FormatError, match=says) as caught:
        opened(data)
    assert "net.caffemodel: layer 'fc', blob 1" in str(caught.value)
    assert "at byte" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\x0a\x00", enc.text(1, "only a name")])
def test_a_file_without_layers(opened: Open, data: bytes) -> None:
    with pytest.raises(FormatError, match="no layers"):
        opened(data)


def test_a_truncated_file_says_where_it_should_end(opened: Open) -> None:
    data = enc.net(enc.layer_v2("fc", "InnerProduct", [enc.blob(numbers(20, 30))]))
    with pytest.raises(TruncatedError, match=rf"ends at byte 1000 of {len(data)} \(the net\)"):
        opened(data[:1000])


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(FormatError, match="cannot be opened"):
        LOADER.open("/nowhere/net.caffemodel")


def test_detection_of_short_and_foreign_heads() -> None:
    assert LOADER.detect(enc.text(1, "CaffeNet"), "a.caffemodel") == 0.3
    assert LOADER.detect(enc.text(1, "CaffeNet"), "a.bin") == 0.0
    assert LOADER.detect(b"", "a.caffemodel") == 0.0
    assert LOADER.detect(enc.number(9, 1) + enc.layer_v2("a", "ReLU"), "a") == 0.9
    caffe2 = enc.text(1, "init") + enc.message(2, enc.text(2, "w") + enc.text(4, "F") + b"\x2a\0")
    graph = enc.message(1, enc.text(1, "x") + enc.text(2, "Placeholder")) * 3
    onnx = enc.number(1, 8) + enc.text(2, "pytorch") + enc.text(3, "1.7") + enc.message(7, graph)
    for other in (caffe2, graph, onnx, b"<!DOCTYPE html>", b"\n\nname: 'net'\nlayer {\n"):
        assert LOADER.detect(other, "x.caffemodel") == 0.0


def test_entries_are_valid(opened: Open) -> None:
    source = opened(enc.net(enc.layer_v2("/", "Other", [enc.blob(numbers(2))])))
    assert source.listing.entries == (
        Entry("/unnamed_0/0", (2,), np.dtype("f4"), link_type="Other"),
    )


def test_a_loader_costs_nothing_until_it_opens() -> None:
    loaders = "binaryproto, caffe_hdf5, caffe_other, caffemodel"
    code = (
        f"import sys; from chainer_ft.formats import {loaders};"
        "sys.exit(bool({'numpy', 'h5py', 'chainer'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
