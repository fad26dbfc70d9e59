"""What stock Chainer does on loading and copying (measured), beside what happens here."""

from __future__ import annotations

from pathlib import Path

import chainer
import chainer.links as L  # noqa: N812
import numpy as np
import pytest

import chainer_ft as ft


@pytest.fixture
def save(tmp_path: Path):  # type: ignore[no-untyped-def]
    def saved(link: chainer.Link) -> str:
        path = str(tmp_path / "old.npz")
        chainer.serializers.save_npz(path, link)
        return path

    return saved


def test_one_class_into_ten(save) -> None:  # type: ignore[no-untyped-def]
    """Stock: no error, ten identical rows, also with ``strict=True``."""
    file, stock, ours = save(L.Linear(4, 1)), L.Linear(4, 10), L.Linear(4, 10)
    chainer.serializers.load_npz(file, stock, strict=True)
    assert (stock.W.array == stock.W.array[0]).all()
    with pytest.raises(ft.ChainerFTError, match=r"/W is \(1, 4\) there, \(10, 4\) here"):
        ft.copy(file, ours)
    assert not (ours.W.array == ours.W.array[0]).all()


def test_one_channel_into_three(save) -> None:  # type: ignore[no-untyped-def]
    file, net = save(L.Convolution2D(1, 4, 3)), L.Convolution2D(3, 4, 3)
    with pytest.raises(ft.ChainerFTError, match=r"/W is \(4, 1, 3, 3\) there, \(4, 3, 3, 3\) here"):
        ft.copy(file, net)


def test_no_key_matches(save) -> None:  # type: ignore[no-untyped-def]
    """Stock: no error and no warning with ``strict=False``."""
    file, net = save(chainer.Chain(a=L.Linear(2, 2))), chainer.Chain(b=L.Linear(2, 2, nobias=True))
    chainer.serializers.load_npz(file, net, strict=False)
    with pytest.raises(ft.ChainerFTError, match=r"nothing in .*old.npz matches"):
        ft.copy(file, net)


def test_extra_keys_in_the_file(save) -> None:  # type: ignore[no-untyped-def]
    """Stock: silent, also with ``strict=True``."""
    file, net = (
        save(chainer.Chain(a=L.Linear(2, 2), b=L.Linear(2, 2))),
        chainer.Chain(a=L.Linear(2, 2)),
    )
    chainer.serializers.load_npz(file, net, strict=True)
    assert set(ft.plan(file, net).unexpected) == {"/b/W", "/b/b"}
    with pytest.raises(ft.ChainerFTError, match=r"unexpected: /b/., /b/."):
        ft.copy(file, net, strict=True)


def test_a_shape_clash_names_the_parameter_and_writes_nothing(save) -> None:  # type: ignore[no-untyped-def]
    """Stock: "could not broadcast input array", no name, and half the model is overwritten."""
    file = save(chainer.Chain(a=L.Linear(2, 2), fc=L.Linear(8, 5)))
    net = chainer.Chain(a=L.Linear(2, 2), fc=L.Linear(8, 10))
    stock = net.copy(mode="copy")
    with pytest.raises(ValueError, match="broadcast"):
        chainer.serializers.load_npz(file, stock)
    before = net.a.W.array.copy()
    with pytest.raises(ft.ChainerFTError, match=r"shape: /fc/., /fc/."):
        ft.copy(file, net, strict=True)
    assert (net.a.W.array == before).all()
    assert "10x8" in str(ft.plan(file, net))


def test_overflow_in_a_cast(tmp_path: Path) -> None:
    """Stock: infinity, silently."""
    file, net = str(tmp_path / "old.npz"), L.Linear(2, 2)
    np.savez(file, W=np.full((2, 2), 1e300), b=np.zeros(2, "f"))
    before = net.W.array.copy()
    with pytest.raises(
        ft.ChainerFTError, match="4 numbers do not survive the cast float64 -> float32"
    ):
        ft.copy(file, net)
    assert (net.W.array == before).all()


class Canary:
    """Unpickling this leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_an_object_array_does_not_run(tmp_path: Path) -> None:
    """Stock: the pickled code runs."""
    file, canary = str(tmp_path / "old.npz"), tmp_path / "canary"
    array = np.array([Canary(canary)], dtype=object)
    np.savez(file, W=np.zeros((2, 2), "f"), b=np.zeros(2, "f"), extra=array)
    with ft.open(file) as source:
        assert source.listing["/extra"].note.startswith("object array")
        with pytest.raises(ft.ChainerFTError, match="it is not read"):
            source.read("/extra")
    plan = ft.plan(file, L.Linear(2, 2))
    plan.apply()
    assert plan.unexpected == ("/extra",)
    assert not canary.exists()
    with np.load(file, allow_pickle=True) as stock:
        _ = stock["extra"]
    assert canary.exists()


def test_copyparams_into_more_children() -> None:
    """Stock: a bare ``KeyError: 'fc'``."""
    old = chainer.Chain(a=L.Linear(2, 2))
    new = chainer.Chain(a=L.Linear(2, 2), fc=L.Linear(2, 2))
    with pytest.raises(KeyError, match="fc"):
        new.copyparams(old)
    plan = ft.plan(old, new)
    plan.apply()
    assert plan.missing == ("/fc/W", "/fc/b")


def test_lazy_parameters_have_no_shape_yet() -> None:
    """Stock: ``W.shape`` raises; copying into it initialises it."""
    net = L.Linear(None, 2)
    with pytest.raises(AttributeError):
        _ = net.W.shape
    assert ft.copy_model(L.Linear(3, 2), net).initialized == ("/W",)
    assert net.W.shape == (2, 3)
