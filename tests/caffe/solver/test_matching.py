"""Which stored layer goes where: the table of Caffe's rules."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from caffe_encoder import blob, layer_v2, net

from chainer_ft.caffe.solver.matching import TargetLayer, match
from chainer_ft.caffe.solver.stored import stored_net
from chainer_ft.errors import ArrayError, FormatError


def binary(path: Path, *layers: bytes) -> str:
    path.write_bytes(net(*layers))
    return str(path)


def result(path: str, *targets: TargetLayer) -> tuple[list[tuple[int, int, int]], tuple[str, ...]]:
    with stored_net(path) as stored:
        matching = match(stored, targets)
    return [(c.stored, c.blob, c.target) for c in matching.copies], matching.ignored


FC = TargetLayer("fc", ((2, 3), (2,)))


def test_names_decide_and_the_rest_is_said(tmp_path: Path) -> None:
    path = binary(
        tmp_path / "x.caffemodel",
        layer_v2("data", "Data"),
        layer_v2("relu", "ReLU"),
        layer_v2("fc", "Convolution", [blob(np.ones((2, 3))), blob(np.ones(2))]),
        layer_v2("gone", "ReLU"),
    )
    targets = (TargetLayer("relu"), FC, TargetLayer("new", ((1,),)))
    assert result(path, *targets) == ([(2, 0, 1), (2, 1, 1)], ("data", "gone"))


def test_the_first_target_of_a_name_gets_all_sources_in_turn(tmp_path: Path) -> None:
    twice = layer_v2("fc", "InnerProduct", [blob(np.ones((2, 3))), blob(np.ones(2))])
    path = binary(tmp_path / "x.caffemodel", twice, twice)
    copies, _ = result(path, FC, FC)
    assert copies == [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0)]


@pytest.mark.parametrize(
    ("stored", "legacy", "target", "fits"),
    [
        ((1, 1, 2, 3), True, (2, 3), True),
        ((1, 1, 1, 3), True, (3,), True),
        ((1, 1, 1, 1), True, (), True),
        ((2, 3, 1, 1), True, (2, 3), False),
        ((2, 3, 2, 2), True, (2, 12), False),
        ((1, 1, 2, 3), False, (2, 3), False),
        ((2, 3), False, (2, 3), True),
        ((2, 3), False, (3, 2), False),
        ((2, 6), False, (2, 3, 2), False),
        ((1, 2, 3, 4), True, (1, 1, 2, 3, 4), False),
    ],
)
def test_shapes(
    stored: tuple[int, ...], legacy: bool, target: tuple[int, ...], fits: bool, tmp_path: Path
) -> None:
    weights = layer_v2("fc", "InnerProduct", [blob(np.ones(stored), legacy=legacy)])
    path = binary(tmp_path / "x.caffemodel", weights)
    if fits:
        assert result(path, TargetLayer("fc", (target,)))[0] == [(0, 0, 0)]
        return
    with pytest.raises(ArrayError) as caught:
        result(path, TargetLayer("fc", (target,)))
    for part in ("'fc', blob 0", str(stored), str(target), "rename it in the prototxt"):
        assert part in str(caught.value)


def test_another_number_of_blobs_is_refused(tmp_path: Path) -> None:
    path = binary(
        tmp_path / "x.caffemodel", layer_v2("fc", "InnerProduct", [blob(np.ones((2, 3)))])
    )
    with pytest.raises(ArrayError, match="1 blobs there and 2 in the net"):
        result(path, FC)
    with pytest.raises(ArrayError, match="1 blobs there and 0 in the net"):
        result(path, TargetLayer("fc"))


def hdf5(path: Path, **blobs: np.ndarray | None) -> str:
    with h5py.File(path, "w") as file:
        for name, array in blobs.items():
            where = "data/" + name.replace("__", "/")
            if array is None:
                file.create_group(where)
            else:
                file[where] = array
    return str(path)


def test_hdf5_has_other_rules(tmp_path: Path) -> None:
    ones = np.ones((2, 3), "f4")
    path = hdf5(tmp_path / "x.h5", zz=None, relu=None, fc__0=ones, fc__1=np.ones(2, "f4"))
    copies, ignored = result(path, FC, FC, TargetLayer("relu"))
    assert copies == [(0, 0, 1), (0, 1, 1)]
    assert ignored == ("zz",)
    lone = hdf5(tmp_path / "y.h5", fc__0=ones)
    with pytest.raises(ArrayError, match="1 blobs there and 2"):
        result(lone, FC)
    assert result(lone, TargetLayer("fc", ((2, 3), (2,)), frozenset([1])))[0] == [(0, 0, 0)]
    with pytest.raises(ArrayError, match="shape"):
        result(hdf5(tmp_path / "z.h5", fc__0=np.ones((1, 1, 2, 3))), TargetLayer("fc", ((2, 3),)))


def test_layers_whose_names_have_slashes_are_found(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "x.h5", conv1__7x7__0=np.ones(2, "f4"), conv1__relu=None)
    with stored_net(path) as stored:
        assert [(la.name, list(la.blobs)) for la in stored.layers] == [
            ("conv1/7x7", [0]),
            ("conv1/relu", []),
        ]


def test_a_state_is_no_weights(shared: Path) -> None:
    state = shared / "caffe" / "golden" / "files" / "snaph_iter_5.solverstate.h5"
    with pytest.raises(FormatError, match="no group /data"), stored_net(str(state)):
        pass


def test_real_files(shared: Path) -> None:
    files = shared / "caffe" / "golden" / "files"
    for name in ("snap_iter_5.caffemodel", "snaph_iter_5.caffemodel.h5"):
        with stored_net(str(files / name)) as stored:
            layers = {layer.name: len(layer.blobs) for layer in stored.layers}
        assert layers == {"data": 0, "conv1": 2, "relu1": 0, "pool1": 0, "fc": 2, "loss": 0}
