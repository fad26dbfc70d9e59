"""Each defect of the function that people paste, and what happens here instead.

The article's function compares parameters with ``zip``, assigns arrays instead of copying
them, looks at the exact type, never at a Chain's own parameters or at persistents, prints and
returns nothing.
"""

from __future__ import annotations

import chainer
import chainer.links as L  # noqa: N812
import numpy as np
import pytest

import chainer_ft as ft


def net(seed: int = 0, **links: chainer.Link) -> chainer.Chain:
    chain = chainer.Chain(**links)
    rng = np.random.RandomState(seed)
    for parameter in chain.params():
        if parameter.array is not None:
            parameter.array[...] = rng.randn(*parameter.shape)
    return chain


def pair(make) -> tuple[chainer.Chain, chainer.Chain]:  # type: ignore[no-untyped-def]
    return net(1, **make()), net(2, **make())


def same(a: chainer.Parameter, b: chainer.Parameter) -> bool:
    return bool((a.array == b.array).all())


def test_batch_normalization_arrives_with_statistics() -> None:
    src, dst = pair(lambda: {"bn": L.BatchNormalization(3)})
    src.bn.avg_mean[...], src.bn.avg_var[...], src.bn.N = 6.9, 2.0, 5
    ft.copy_model(src, dst)
    x = np.random.RandomState(0).randn(4, 3).astype("f")
    with chainer.using_config("train", False):
        assert (src.bn(x).array == dst.bn(x).array).all()
    assert dst.bn.N == 5


@pytest.mark.parametrize("source_has_bias", [True, False])
def test_a_link_with_fewer_parameters_does_not_match(source_has_bias: bool) -> None:
    src = net(1, a=L.Linear(2, 2), fc=L.Linear(3, 2, nobias=not source_has_bias))
    dst = net(2, a=L.Linear(2, 2), fc=L.Linear(3, 2, nobias=source_has_bias))
    ft.copy_model(src, dst)
    assert same(src.a.W, dst.a.W)
    assert not same(src.fc.W, dst.fc.W)


def test_one_step_on_the_copy_leaves_the_original() -> None:
    src, dst = pair(lambda: {"fc": L.Linear(3, 2)})
    ft.copy_model(src, dst)
    before = src.fc.W.array.copy()
    optimizer = chainer.optimizers.SGD(lr=1).setup(dst)
    optimizer.update(lambda: chainer.functions.sum(dst.fc(np.ones((1, 3), "f"))))
    assert (src.fc.W.array == before).all()
    assert not same(src.fc.W, dst.fc.W)


def test_two_copies_of_one_source_are_independent() -> None:
    src, one = pair(lambda: {"fc": L.Linear(3, 2)})
    two = net(3, fc=L.Linear(3, 2))
    ft.copy_model(src, one)
    ft.copy_model(src, two)
    one.fc.W.array[...] = 0
    assert same(src.fc.W, two.fc.W)


def test_a_read_only_target_is_no_problem() -> None:
    src, dst = pair(lambda: {"fc": L.Linear(3, 2)})
    dst.fc.W.array.flags.writeable = False
    ft.copy_model(src, dst)
    assert same(src.fc.W, dst.fc.W)


def test_lazy_targets_are_initialised_and_lazy_sources_are_named() -> None:
    src, dst = (
        net(1, a=L.Linear(2, 2), fc=L.Linear(3, 2)),
        net(2, a=L.Linear(2, 2), fc=L.Linear(None, 2)),
    )
    assert ft.copy_model(src, dst).initialized == ("/fc/W",)
    assert same(src.fc.W, dst.fc.W)
    lazy = net(1, a=L.Linear(2, 2), fc=L.Linear(None, 2))
    plan = ft.plan(lazy, dst)
    assert plan.reasons["source", "/fc/W"] == "uninitialised"
    assert plan.missing == ("/fc/W", "/fc/b")


def test_lists_and_sequentials_match_link_by_link() -> None:
    def make(last: int) -> chainer.ChainList:
        block = chainer.Chain(a=L.Linear(2, 2))
        return chainer.ChainList(L.Linear(2, 2), block, L.Linear(2, last))

    src, dst = make(3), make(4)
    src[0].W.array[...], src[1].a.W.array[...] = 5, 6
    plan = ft.plan(src, dst)
    plan.apply()
    assert same(src[0].W, dst[0].W)
    assert same(src[1].a.W, dst[1].a.W)
    assert [clash.target for clash in plan.incorrect_shapes] == ["/2/W", "/2/b"]
    one, two = (chainer.Sequential(L.Linear(2, 2), chainer.functions.relu) for _ in range(2))
    ft.copy_model(one, two)
    assert same(one[0].W, two[0].W)


def test_a_shorter_list_is_not_a_whole_match() -> None:
    src = chainer.ChainList(L.Linear(2, 2), L.Linear(2, 2))
    plan = ft.plan(src, chainer.ChainList(L.Linear(2, 2)))
    assert plan.unexpected == ("/1/W", "/1/b")


def test_subclasses_and_classes_of_one_name_match() -> None:
    def block(base: type[chainer.Link]) -> type[chainer.Link]:
        return type("Block", (base,), {})

    src = net(1, fc=block(L.Linear)(3, 2))
    for other in (block(L.Linear), L.Linear):
        dst = net(2, fc=other(3, 2))
        ft.copy_model(src, dst)
        assert same(src.fc.W, dst.fc.W)


def test_own_parameters_and_persistents_of_chains_are_copied() -> None:
    def make(value: float) -> chainer.Chain:
        root = chainer.Chain(p=chainer.Chain(fc=L.Linear(2, 2)), fc=L.Linear(2, 3))
        for link in (root, root.p):
            with link.init_scope():
                link.scale = chainer.Parameter(np.full(2, value, "f"))
            link.add_persistent("mean", np.full(3, value, "f"))
        return root

    src, dst = make(1), make(2)
    ft.copy_model(src, dst)
    assert same(src.scale, dst.scale)
    assert same(src.p.scale, dst.p.scale)
    assert (dst.mean == 1).all()
    assert (dst.p.mean == 1).all()


def test_the_plan_names_both_sides_of_what_is_left() -> None:
    plan = ft.plan(
        net(1, a=L.Linear(2, 2), conv1=L.Linear(2, 2)),
        net(2, a=L.Linear(2, 2), conv_1=L.Linear(2, 2)),
    )
    assert plan.unexpected == ("/conv1/W", "/conv1/b")
    assert plan.missing == ("/conv_1/W", "/conv_1/b")
    assert "/conv1.{W, b}" in str(plan)


def test_an_unregistered_link_is_not_written_to() -> None:
    src, dst = net(1, a=L.Linear(2, 2), fc=L.Linear(2, 2)), net(2, a=L.Linear(2, 2))
    dst.fc = L.Linear(2, 2)
    before = dst.fc.W.array.copy()
    assert ft.plan(src, dst).unexpected == ("/fc/W", "/fc/b")
    ft.copy_model(src, dst)
    assert (dst.fc.W.array == before).all()


def test_a_link_under_two_names_is_one_parameter() -> None:
    shared = L.Linear(2, 2)
    dst = chainer.Chain(a=shared)
    dst.add_link("b", shared)
    src = net(1, a=L.Linear(2, 2))
    plan = ft.plan(src, dst)
    plan.apply()
    assert same(src.a.W, dst.b.W)
    assert plan.coverage == 1.0


def test_the_dtype_of_the_target_stays() -> None:
    src, dst = pair(lambda: {"fc": L.Linear(3, 2)})
    dst.fc.W.array = dst.fc.W.array.astype(np.float16)
    plan = ft.plan(src, dst)
    plan.apply()
    assert dst.fc.W.dtype == np.float16
    assert "cast float32 -> float16" in str(plan)


def test_a_classifier_around_the_source_is_seen_through() -> None:
    src, dst = L.Classifier(net(1, fc=L.Linear(3, 2))), net(2, fc=L.Linear(3, 2))
    ft.copy_model(src, dst)
    assert same(src.predictor.fc.W, dst.fc.W)
    other = L.Classifier(net(3, fc=L.Linear(3, 2)))
    ft.copy_model(dst, other)
    assert same(dst.fc.W, other.predictor.fc.W)


def test_memory_layout_is_the_targets_own() -> None:
    src, dst = pair(lambda: {"fc": L.Linear(3, 2)})
    src.fc.W.array = np.asfortranarray(src.fc.W.array)
    ft.copy_model(src, dst)
    assert dst.fc.W.array.flags.c_contiguous


def test_nothing_matched_is_an_error() -> None:
    src, dst = net(1, a=L.Linear(2, 2)), net(2, b=L.Linear(3, 3))
    with pytest.raises(ft.ChainerFTError, match=r"nothing in Chain .* matches"):
        ft.copy_model(src, dst)


def test_the_outcome_says_what_was_copied(capsys: pytest.CaptureFixture[str]) -> None:
    src, dst = pair(lambda: {"fc": L.Linear(3, 2)})
    outcome = ft.copy_model(src, dst)
    assert [one.target for one in outcome.pairs] == ["/fc/W", "/fc/b"]
    assert capsys.readouterr().out == ""
