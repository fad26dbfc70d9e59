"""The only writer into links: in place, copied, undone where anything fails."""

from __future__ import annotations

import chainer
import chainer.links as L  # noqa: N812
import numpy as np
import pytest

import chainer_ft  # noqa: F401  makes the next line work
from chainer_ft.links import LinkSource, write, writing
from chainer_ft.links.walk import slots


class Net(chainer.Chain):
    """A bit of everything that is written in a way of its own."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.conv = L.Convolution2D(1, 2, 3)
            self.bn = L.BatchNormalization(2)
            self.lazy_bn = L.BatchNormalization(axis=0)
            self.fc = L.Linear(None, 3)
        self.add_persistent("best", 0.25)
        self.add_persistent("seen", 3)


def arrays(net: chainer.Link, value: float = 9) -> list[tuple[str, np.ndarray]]:
    lazy = {"/fc/W": (3, 4)}
    made = []
    for slot in slots(net):
        array = slot.array
        shape = lazy.get(slot.path, (2,)) if array is None else np.shape(array)
        dtype = getattr(array, "dtype", np.float32 if array is None else type(array))
        made.append((slot.path, np.full(shape, value, dtype)))
    return made


def state(net: chainer.Link) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for slot in slots(net):
        found[slot.path] = None if slot.array is None else np.asarray(slot.array).tobytes()
    return found


def test_everything_is_written_and_lazy_things_are_initialised() -> None:
    net = Net()
    lazy = write(net, arrays(net))
    names = ("gamma", "beta", "avg_mean", "avg_var")
    assert set(lazy) == {"/fc/W", *(f"/lazy_bn/{name}" for name in names)}
    assert all((np.asarray(slot.array) == 9).all() for slot in slots(net))
    assert (type(net.best), type(net.seen), type(net.bn.N)) == (float, int, int)
    assert net.lazy_bn(np.zeros((2, 2), "f")).shape == (2, 2)


def test_views_stay_views_and_nothing_is_shared() -> None:
    net = Net()
    view, given = net.conv.W.array, np.ones((2, 1, 3, 3), "f")
    write(net, [("/conv/W", given)])
    assert view is net.conv.W.array
    net.conv.W.array[...] = 5
    assert not (given == 5).any()


@pytest.mark.parametrize("position", range(16))
def test_a_failure_at_any_entry_changes_nothing(
    position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = Net()
    before, wanted = state(net), arrays(net)
    assert len(wanted) == 16
    real, calls = writing._write_one, []

    def failing(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == position + 1:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(writing, "_write_one", failing)
    with pytest.raises(KeyboardInterrupt):
        write(net, wanted)
    assert state(net) == before
    assert net.fc.W.array is None
    net.fc(np.zeros((1, 6), "f"))  # the lazy parameter still initialises itself
    assert net.fc.W.shape == (3, 6)


def test_a_wrong_shape_half_way_changes_nothing() -> None:
    net = Net()
    before, wanted = state(net), arrays(net)
    wanted[2] = (wanted[2][0], np.zeros((7, 7), "f"))
    with pytest.raises(ValueError, match="cannot write 49 numbers into 18"):
        write(net, wanted)
    assert state(net) == before


def test_an_interrupt_within_an_array_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_PIECE", 4)

    class Interrupting(np.ndarray):
        """Raises when its second piece is given up."""

        def __setitem__(self, key: object, value: object) -> None:
            if isinstance(key, slice) and key.start == 2:
                raise KeyboardInterrupt
            super().__setitem__(key, value)

    net = L.Linear(2, 2)
    before = state(net)
    with pytest.raises(KeyboardInterrupt):
        write(net, [("/b", np.ones(2, "f")), ("/W", np.ones((2, 2), "f").view(Interrupting))])
    assert state(net) == before


def test_arrays_that_are_not_contiguous_are_written_in_place() -> None:
    net = L.Linear(3, 2)
    net.W.array = np.asfortranarray(net.W.array)
    view = net.W.array
    write(net, [("/W", np.arange(6, dtype="f").reshape(2, 3))])
    assert view is net.W.array
    assert view.flags.f_contiguous
    assert (view == np.arange(6).reshape(2, 3)).all()


def test_a_read_only_array_is_replaced_by_the_links_own() -> None:
    net = L.Linear(2, 2)
    net.W.array.flags.writeable = False
    write(net, [("/W", np.ones((2, 2), "f"))])
    assert net.W.array.flags.writeable
    assert (net.W.array == 1).all()


def test_master_copies_of_the_optimizer_are_forgotten() -> None:
    with chainer.using_config("dtype", np.float16):
        net = L.Linear(2, 2)
    optimizer = chainer.optimizers.SGD(lr=0)
    optimizer.use_fp32_update()
    optimizer.setup(net)
    net.W.grad, net.b.grad = np.zeros((2, 2), np.float16), np.zeros(2, np.float16)
    optimizer.update()
    write(net, [("/W", np.full((2, 2), 4, np.float16))])
    optimizer.update()
    assert (net.W.array == 4).all()


def test_reading_gives_copies_in_c_order() -> None:
    net = L.Linear(3, 2)
    net.W.array = np.asfortranarray(net.W.array)
    array = LinkSource(net).read("/W")
    assert array.flags.c_contiguous
    array[...] = 7
    assert not (net.W.array == 7).any()


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    cuda = chainer.backends.cuda
    if not cuda.available:
        pytest.skip("needs a GPU and CuPy")
    net = Net()
    net.to_device("@cupy:0")
    write(net, arrays(net))
    assert all((cuda.to_cpu(np.asarray(0) + s.array) == 9).all() for s in slots(net))
    assert isinstance(net.fc.W.array, cuda.ndarray)
    assert isinstance(net.lazy_bn.avg_mean, cuda.ndarray)
    assert isinstance(LinkSource(net).read("/conv/W"), np.ndarray)


def test_lists_and_tuples_of_numbers_come_back_as_what_they_are() -> None:
    net = chainer.Link()
    net.add_persistent("mean", [1.5, 2.5])
    net.add_persistent("size", (3, 4))
    given = {path: LinkSource(net).read(path) + 1 for path in ("/mean", "/size")}
    write(net, list(given.items()))
    assert (net.mean, net.size) == ([2.5, 3.5], (4, 5))
