"""Chainer models with every oddity that a file has to keep."""

from __future__ import annotations

import chainer_ft  # noqa: F401  makes the next line work

import chainer  # isort: skip
import numpy as np
from chainer import functions, links


class Odd(chainer.Chain):
    """Own parameters and persistents of every scalar type, nested names, empty links.

    Args:
        seed: Of all numbers.
        form: ``npz`` has text and columns, which Chainer's HDF5 cannot write or read.
        filled: Whether nothing is left uninitialised or ``None``.
    """

    def __init__(self, seed: int, form: str = "h5", filled: bool = False) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        with self.init_scope():
            self.scale = chainer.Parameter(rng.standard_normal((2, 3)).astype("f2"))
            self.one = chainer.Parameter(np.asarray(rng.standard_normal(), "f4"))
            self.none = chainer.Parameter(np.zeros((0, 3), "f4"))
            self.columns = chainer.Parameter(
                rng.standard_normal((4, 5)).copy(order="F" if form == "npz" else "C")
            )
            self.conv = links.Convolution2D(3, 4, 3)
            self.bn = links.BatchNormalization(4)
            self.stages = chainer.ChainList(
                chainer.Chain(),
                chainer.Sequential(links.Linear(3, 2), functions.relu, links.Linear(2, 2)),
            )
            self.lazy = links.Linear(7 if filled else None, 2)
            self.empty = chainer.Chain()
        self.empty.add_link("inside", chainer.Link())
        self.bn.avg_mean[...] = rng.standard_normal(4)
        self.bn.N = int(rng.integers(9))
        for name, value in persistents(rng).items():
            self.add_persistent(name, value)
        if form == "npz":
            self.add_persistent("words", f"日本語 {seed}")
        if not filled:
            self.add_persistent("nothing", None)


def persistents(rng: np.random.Generator) -> dict[str, object]:
    """One of each type."""
    return {
        "a_float": float(rng.standard_normal()),
        "an_int": int(rng.integers(1 << 60)),
        "a_big_int": (1 << 63) + int(rng.integers(9)),
        "a_bool": bool(rng.integers(2)),
        "a_complex": rng.standard_normal(3) * 1j,
        "a_numpy_float": np.float32(rng.standard_normal()),
        "a_numpy_int": np.int16(rng.integers(99)),
        "bytes_of": rng.integers(255, size=5).astype("u1"),
        "flags": rng.integers(2, size=5).astype(bool),
        "swapped": rng.standard_normal(4).astype(">f8"),
    }


def arrays(link: chainer.Link) -> dict[str, object]:
    """Everything that the link registers, by path."""
    found: dict[str, object] = {path: p.array for path, p in link.namedparams()}
    for path, child in link.namedlinks():
        prefix = "" if path == "/" else path
        found |= {f"{prefix}/{name}": getattr(child, name) for name in child._persistent}
    return found


def assert_equal(got: chainer.Link, wanted: chainer.Link) -> None:
    """Equal bit for bit, types and all."""
    ours, theirs = arrays(got), arrays(wanted)
    assert ours.keys() == theirs.keys()
    for path, value in theirs.items():
        assert type(ours[path]) is type(value), path
        if isinstance(value, (np.ndarray, np.generic)):
            assert ours[path].dtype == value.dtype, path
            assert ours[path].shape == value.shape, path
            assert ours[path].tobytes() == value.tobytes(), path
        else:
            assert ours[path] == value, path
