"""Everything reachable comes back, bit for bit, and stays the same object."""

from __future__ import annotations

import collections
import contextlib
import functools
import itertools
import random
import threading
from collections.abc import Callable
from multiprocessing import Pipe
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import functions, links
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.errors import UsageError
from chainer_ft.training.digest import digest
from chainer_ft.training.memento import remembering


class Box:
    """Anything with attributes."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("count", "unset")

    def __init__(self) -> None:
        self.count = 1


class TestValues:
    def test_attributes_new_changed_and_gone(self) -> None:
        box = Box(a=1, b=[1, {2: 3}], c=None)
        inner = box.b
        with remembering(box, "box"):
            box.a, box.d = 2, 5
            inner[1][2] = 4
            inner.append(7)
            del box.c
        assert vars(box) == {"a": 1, "b": [1, {2: 3}], "c": None}
        assert list(vars(box)) == ["a", "b", "c"]
        assert box.b is inner

    def test_slots(self) -> None:
        one = Slotted()
        with remembering([one], "list"):
            one.count = 2
        assert one.count == 1

    @pytest.mark.parametrize(
        "value",
        [
            collections.Counter(a=2, b=1),
            collections.OrderedDict(b=1, a=2),
            collections.defaultdict(list, a=[1]),
            collections.deque([1, 2], maxlen=2),
            {1, 2},
            [1, 2, (3, 4)],
        ],
        ids=lambda v: type(v).__name__,
    )
    def test_containers_of_every_kind(self, value: Any) -> None:
        before = repr(value)
        with remembering(value, "value"):
            value.clear()
        assert repr(value) == before

    def test_arrays_in_place_with_their_bits(self) -> None:
        array = np.array([np.nan, -0.0, 1e-45], np.float32)
        array.view(np.uint32)[0] = 0x7FC12345  # a NaN with a payload
        before, box = digest(array), Box(array=array, view=array[1:])
        with remembering(box, "box"):
            array[...] = 1
            box.array = None
        assert box.array is array
        assert digest(array) == before

    def test_a_closure_and_a_bound_method(self) -> None:
        count = 0

        def step() -> None:
            nonlocal count
            count += 1

        box = Box(x=1)
        calls = [step, functools.partial(setattr, box, "x"), Box(f=Box(y=[1]).__init__)]
        with remembering(calls, "calls"):
            step()
            calls[1](2)
            calls[2].f.__self__.y.append(2)
        assert (count, box.x, calls[2].f.__self__.y) == (0, 1, [1])

    def test_after_an_error_too(self) -> None:
        box = Box(a=1)
        with pytest.raises(ZeroDivisionError), remembering(box, "box"):
            box.a = 1 // 0 if vars(box).update(a=2) is None else 0
        assert box.a == 1

    def test_cycles_end(self) -> None:
        box = Box(a=1)
        box.itself = box
        with remembering(box, "box"):
            box.a = 2
        assert box.a == 1


class TestGenerators:
    @pytest.mark.parametrize(
        "draw",
        [
            lambda: random.gauss(0, 1),
            lambda: np.random.randn(3).tolist(),
            lambda: np.random.permutation(5).tolist(),
        ],
        ids=["random", "randn", "permutation"],
    )
    def test_global(self, draw: Callable[[], Any]) -> None:
        draw()  # an odd number of normal deviates: one is kept for the next call
        with remembering(None, "nothing"):
            expected = [draw(), draw()]
        assert [draw(), draw()] == expected

    @pytest.mark.parametrize(
        "generator",
        [np.random.RandomState(0), np.random.default_rng(0), random.Random(0)],
        ids=lambda g: type(g).__name__,
    )
    def test_of_an_object(self, generator: Any) -> None:
        draw = getattr(generator, "standard_normal", None) or (lambda: generator.gauss(0, 1))
        draw()
        with remembering(Box(deep=[{"g": generator}]), "box"):
            expected = [draw() for _ in range(3)]
        assert [draw() for _ in range(3)] == expected

    def test_cupy_s_are_put_aside_and_come_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a GPU; test_gpu.py has the real ones."""
        states, seeded = {1: "first", 0: "second"}, []
        random = Box(_generator=Box(_random_states=states), seed=seeded.append)
        cupy = Box(random=random, cuda=Box(Device=contextlib.nullcontext))
        monkeypatch.setattr(chainer.backends.cuda, "available", True)
        monkeypatch.setattr(chainer.backends.cuda, "cupy", cupy)
        with remembering(None, "nothing"):
            assert states == {}
            states[0] = "of the test"
        assert states == {1: "first", 0: "second"}
        assert seeded == [0, 0]


class TestLinks:
    def test_a_lazy_parameter_is_lazy_again(self) -> None:
        model = chainer.Sequential(links.Linear(None, 2), links.BatchNormalization(axis=0))
        chainer.optimizers.Adam().setup(model)
        with remembering(model, "model"):
            functions.sum(model(np.ones((2, 3), np.float32))).backward()
        assert model[0].W.array is None
        assert model[1].gamma.array is None
        assert model[1].avg_mean is None
        model(np.ones((2, 5), np.float32))
        assert model[0].W.shape == (2, 5)

    def test_gradients_and_their_absence(self) -> None:
        link = links.Linear(2, 2)
        link.cleargrads()
        with remembering(link, "link"):
            functions.sum(link(np.ones((1, 2), np.float32))).backward()
            assert link.W.grad is not None
        assert link.W.grad is None
        functions.sum(link(np.ones((1, 2), np.float32))).backward()
        grad, bits = link.W.grad, link.W.grad.copy()
        with remembering(link, "link"):
            functions.sum(link(np.ones((1, 2), np.float32))).backward()
        assert link.W.grad is grad
        np.testing.assert_array_equal(grad, bits)

    def test_the_state_of_an_lstm_with_its_graph(self) -> None:
        link = links.LSTM(2, 3)
        x = np.ones((1, 2), np.float32)
        link(x)
        state, history = link.h, link.h.creator
        with remembering(link, "link"):
            loss = functions.sum(link(x))
            loss.backward()
            loss.unchain_backward()
            link.reset_state()
        assert link.h is state
        assert link.h.creator is history
        functions.sum(link(x)).backward()  # through the old graph too
        assert link.lateral.W.grad is not None


class TestDatasets:
    def test_generators_and_attributes_and_no_arrays(self) -> None:
        array = np.zeros(3)
        data = Box(array=array, count=0, rng=np.random.RandomState(1), many=[[]] * 2000)
        with remembering(Box(dataset=data), "box", [data]):
            data.count, first = 1, data.rng.rand()
            array[0] = 1
        assert (data.count, data.rng.rand()) == (0, first)
        assert array[0] == 1  # not copied: it may be as large as the disk

    def test_what_is_left_alone_is_not_looked_into(self) -> None:
        inner = Box(thread=threading.Thread(), a=1)
        with remembering(Box(inner=inner), "box", leave=[inner]):
            inner.a = 2
        assert inner.a == 2


def test_an_object_that_knows_its_own_way_back() -> None:
    class Feed:
        def __init__(self) -> None:
            self.place, self.reader = 3, threading.Thread()

        def chainer_ft_remember(self) -> Callable[[], None]:
            return functools.partial(setattr, self, "place", self.place)

    feed = Feed()
    with remembering(Box(feed=feed), "box"):
        feed.place, feed.reader = 7, None  # type: ignore[assignment]
    assert (feed.place, feed.reader) == (3, None)  # the rest is its own affair


@pytest.mark.parametrize(
    "value",
    [(i for i in range(3)), iter([1]), itertools.count(), threading.Thread(), Pipe()[0]],
    ids=lambda v: type(v).__name__,
)
def test_what_cannot_be_put_back_is_named(value: Any) -> None:
    box = Box(iterators={"main": Box(source=value)})
    told = rf"updater\.iterators\.main\.source is a {type(value).__name__}, .*iterator="
    with pytest.raises(UsageError, match=told), remembering(box, "updater"):
        pytest.fail("went on")


trees = st.recursive(
    st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(trees, st.randoms(use_true_random=False))
def test_any_tree_comes_back(tree: Any, how: random.Random) -> None:
    box = Box(tree=tree)
    before = repr(box.tree)
    with remembering(box, "box"):
        _spoil(box.tree, how)
        box.tree = how.random()
    assert repr(box.tree) == before


def _spoil(tree: Any, how: random.Random) -> None:
    """Change a tree at every level."""
    if isinstance(tree, list):
        for one in tree:
            _spoil(one, how)
        tree.insert(how.randint(0, len(tree)), how.random())
    elif isinstance(tree, dict):
        for one in tree.values():
            _spoil(one, how)
        if tree and how.random() < 0.5:
            tree.pop(next(iter(tree)))
        tree["new"] = how.random()
