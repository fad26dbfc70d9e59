"""Each word of the freeze, on a net with all that is hard, for nine optimizers."""

from __future__ import annotations

import copy
import io
import logging
import pickle
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import functions as F  # noqa: N812
from chainer import links as L  # noqa: N812
from chainer import optimizer_hooks, optimizers, serializers
from chainer.computational_graph import build_computational_graph
from training_nets import OPTIMIZERS, Net, arrays, batch, moved, net, train

import chainer_ft as ft
from chainer_ft.errors import RuleError, UsageError
from chainer_ft.training.digest import FrozenChangedError

BODY = ("/conv1", "/bn1", "/blocks/0")
WHEN = ("before", "after", "twice")


def prepared(
    name: str = "MomentumSGD", when: str = "after", **options: Any
) -> tuple[Net, Any, Any]:
    model, optimizer = net(), OPTIMIZERS[name]()
    if when != "before":
        optimizer.setup(model)
    still = ft.freeze(model, *BODY, **options)
    if when != "after":
        optimizer.setup(model)
    return model, optimizer, still


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("name", OPTIMIZERS)
class TestStandsStill:
    def test_no_bit_of_it_moves_and_all_else_does(self, name: str, when: str) -> None:
        model, optimizer, still = prepared(name, when)
        optimizer.add_hook(optimizer_hooks.WeightDecay(0.1))
        optimizer.add_hook(optimizer_hooks.GradientNoise(0.01))
        before = arrays(model)
        train(model, optimizer)
        everything = set(before)
        assert moved(before, model) == everything - set(still.digests)
        still.check()

    def test_it_has_no_optimizer_state(self, name: str, when: str) -> None:
        model, optimizer, still = prepared(name, when)
        train(model, optimizer)
        for path, param in model.namedparams():
            has_state = bool(param.update_rule.state)
            assert has_state is (path not in still and name != "SGD"), path
            assert param.update_rule.enabled is (path not in still)

    def test_it_has_no_share_in_the_clip_norm(self, name: str, when: str) -> None:
        model, optimizer, still = prepared(name, when)
        optimizer.add_hook(optimizer_hooks.WeightDecay(0.5))
        norms, heads = [], []

        def look(optimizer: Any) -> None:
            live = [p.grad for path, p in model.namedparams() if path not in still]
            norms.append(float(np.sqrt(sum((g**2).sum() for g in live))))
            heads.append(model.fc.W.grad.copy())

        optimizer.add_hook(look, "before")
        optimizer.add_hook(optimizer_hooks.GradientClipping(1e-3))
        optimizer.add_hook(look, "after")
        train(model, optimizer, 2)
        for norm, before, after in zip(norms[::2], heads[::2], heads[1::2], strict=True):
            np.testing.assert_allclose(after, before * (1e-3 / norm), rtol=1e-4)


def test_the_clip_norm_is_that_of_the_live_part() -> None:
    model = chainer.Sequential(L.Linear(3, 4), L.Linear(4, 2))
    optimizer = optimizers.SGD(1.0).setup(model)
    ft.freeze(model, "/0")
    optimizer.add_hook(optimizer_hooks.WeightDecay(10.0))
    optimizer.add_hook(optimizer_hooks.GradientClipping(0.5))
    before = arrays(model)
    optimizer.update(lambda: F.sum(model(np.ones((2, 3), np.float32)) ** 2))
    step = [model[1].W.array - before["/1/W"], model[1].b.array - before["/1/b"]]
    assert np.sqrt(sum((s**2).sum() for s in step)) == pytest.approx(0.5, rel=1e-5)


def test_a_hook_that_asks_every_parameter_for_its_gradient_gets_zeros_that_nobody_keeps() -> None:
    model, optimizer, still = prepared()
    seen = {}

    def scribble(optimizer: Any) -> None:
        for path, param in optimizer.target.namedparams():
            seen[path] = float(np.abs(param.grad).max())
            if path in still:
                param.grad[...] = 7
                param.grad += 1

    optimizer.add_hook(scribble, "scribble")
    train(model, optimizer, 2)
    assert {seen[path] for path in still.params} == {0.0}
    model.cleargrads()
    assert all(p.grad is None and p.grad_var is None for p in model.conv1.params())


def test_no_gradient_and_no_backward_below_the_deepest_live_parameter() -> None:
    model, _, still = prepared()
    images, labels = batch()
    went_back = []

    class Watch(chainer.FunctionHook):
        def backward_preprocess(self, function: Any, *args: Any) -> None:
            went_back.append(function.label)

    assert model.bn1(model.conv1(images)).creator is None
    loss = F.softmax_cross_entropy(model(images), labels)
    labels_of_nodes = [n.label for n in build_computational_graph([loss]).nodes]
    assert labels_of_nodes.count("Convolution2DFunction") == 2  # the graph is not even built
    model.cleargrads()
    with Watch():
        loss.backward()
    assert went_back.count("Convolution2DFunction") == 2  # those of the live block
    assert "FixedBatchNormalization" not in went_back
    params = dict(model.namedparams())
    assert [p for p in still.params if params[p].grad is not None] == []
    assert all(p.grad is not None for path, p in params.items() if path not in still)


def test_a_live_part_below_a_frozen_one_still_learns() -> None:
    model = net()
    optimizer = optimizers.SGD(0.1).setup(model)
    still = ft.freeze(model, "/blocks", "/tied")
    before = arrays(model)
    train(model, optimizer)
    assert moved(before, model) == set(before) - set(still.digests)
    assert "/conv1/W" in moved(before, model)


class TestGraph:
    """A frozen link builds no graph only where surely nobody needs it."""

    def test_a_state_that_live_links_made(self) -> None:
        model = chainer.Chain(start=L.Linear(2, 3), lstm=L.StatelessLSTM(2, 3), fc=L.Linear(3, 1))
        ft.freeze(model, "/lstm")
        x = np.ones((1, 2), np.float32)
        model.cleargrads()
        _, h = model.lstm(model.start(x), model.start(x), x)
        F.sum(model.fc(h)).backward()
        assert np.abs(model.start.W.grad).max() > 0

    def test_a_state_inside_the_link(self) -> None:
        model = chainer.Chain(start=L.Linear(2, 3), lstm=L.LSTM(2, 3))
        ft.freeze(model, "/lstm")
        x = np.ones((1, 2), np.float32)
        model.cleargrads()
        model.lstm.set_state(model.start(x), model.start(x))
        F.sum(model.lstm(x)).backward()
        assert np.abs(model.start.W.grad).max() > 0

    def test_variables_in_a_list(self) -> None:
        model = chainer.Chain(start=L.Linear(2, 2), rnn=L.NStepLSTM(1, 2, 3, 0.0))
        ft.freeze(model, "/rnn")
        x = np.ones((2, 2), np.float32)
        model.cleargrads()
        _, _, ys = model.rnn(None, None, [model.start(x)])
        F.sum(ys[0]).backward()
        assert np.abs(model.start.W.grad).max() > 0

    def test_a_link_of_ones_own_that_calls_another(self) -> None:
        live = L.Linear(2, 2)

        class Calls(chainer.Link):
            def forward(self, x: Any) -> Any:
                return live(x)

        model = chainer.Chain(calls=Calls(W=(1,)), live=live)
        model.calls.W.array[...] = 0
        ft.freeze(model, "/calls")
        model.cleargrads()
        F.sum(model.calls(np.ones((1, 2), np.float32))).backward()
        assert np.abs(live.W.grad).max() > 0


class TestModes:
    def test_batch_normalization_uses_its_statistics(self) -> None:
        model = net()
        ft.freeze(model, "/conv1", "/bn1")
        model.bn1.avg_mean[...] = 3
        images, _ = batch()
        with chainer.using_config("train", False):
            expected = model.bn1(model.conv1(images)).array
        np.testing.assert_array_equal(model.bn1(model.conv1(images)).array, expected)

    def test_statistics_can_move_on(self, caplog: Any) -> None:
        model, optimizer, still = prepared(statistics="train")
        before = arrays(model)
        train(model, optimizer)
        assert {"/bn1/avg_mean", "/bn1/avg_var"} <= moved(before, model)
        assert "/bn1/gamma" not in moved(before, model)
        assert still.persistents == () and "statistics" not in caplog.text

    def test_inside_a_frozen_chain_too(self) -> None:
        model = net()
        ft.freeze(model, "/blocks/0", statistics="train")
        before = arrays(model)
        model(batch()[0])
        assert "/blocks/0/bn/avg_mean" in moved(before, model)

    def test_dropout_is_off_inside_a_frozen_link_and_on_elsewhere(self) -> None:
        model = net()
        ft.freeze(model, "/blocks/0")
        x = np.random.randn(2, 4, 5, 5).astype(np.float32)
        once, again = model.blocks[0](x).array, model.blocks[0](x).array
        np.testing.assert_array_equal(once, again)
        assert (model.blocks[1](x).array != model.blocks[1](x).array).any()

    def test_dropout_can_stay_on(self) -> None:
        model = net()
        ft.freeze(model, "/blocks/0", dropout="on")
        x = np.random.randn(2, 4, 5, 5).astype(np.float32)
        before = arrays(model)
        assert (model.blocks[0](x).array != model.blocks[0](x).array).any()
        assert moved(before, model) == set()  # the statistics stand still all the same

    def test_the_setting_does_not_survive_an_exception(self) -> None:
        model = net()
        ft.freeze(model, "/blocks/0")
        with pytest.raises(Exception, match="Invalid operation"):
            model.blocks[0](np.zeros((1, 9, 5, 5), np.float32))
        assert chainer.config.train is True
        assert "forward" not in model.blocks[0].__dict__

    def test_a_forward_of_the_object_itself_is_called_and_kept(self) -> None:
        model = chainer.Sequential(L.Linear(2, 2), L.Linear(2, 2))
        seen = []
        own = lambda x: seen.append(chainer.config.train) or x  # noqa: E731
        model[0].forward = own
        ft.freeze(model, "/0")
        model[0](np.zeros((1, 2), np.float32))
        assert seen == [False] and model[0].forward is own

    def test_in_inference_nothing_changes(self) -> None:
        model = net()
        ft.freeze(model, "/blocks/0")
        with chainer.using_config("train", False):
            model(batch()[0])
            assert chainer.config.train is False

    def test_batch_normalization_without_parameters_is_frozen_by_name_or_type(self) -> None:
        model = chainer.Chain(
            bn=L.BatchNormalization(2, use_gamma=False, use_beta=False), fc=L.Linear(2, 2)
        )
        still = ft.freeze(model, L.BatchNormalization)
        assert still.links == ("/bn",)
        model.bn(np.ones((3, 2), np.float32))
        still.check()
        assert ft.unfreeze(model, "/bn").links == ()

    def test_a_chain_with_live_statistics_is_not_frozen_as_a_whole(self) -> None:
        model = chainer.Chain(
            body=chainer.Chain(
                conv=L.Convolution2D(3, 2, 1),
                bn=L.BatchNormalization(2, use_gamma=False, use_beta=False),
            ),
            fc=L.Linear(2, 2),
        )
        assert ft.freeze(model, "/body/conv").links == ("/body/conv",)
        assert set(ft.freeze(model, "/body").links) == {"/body", "/body/conv", "/body/bn"}
        assert "/body" not in ft.unfreeze(model, "/body/bn").links


class TestHolds:
    """In copies, and through whatever Chainer does with a model."""

    @pytest.mark.parametrize("mode", ["share", "copy", "init"])
    def test_copy(self, mode: str) -> None:
        model, _, still = prepared()
        train(model, optimizers.SGD().setup(model), 1)
        twin = model.copy(mode)
        same = ft.frozen(twin)
        assert (same.params, same.links, same.persistents) == (
            still.params, still.links, still.persistents
        )  # fmt: skip
        assert (same == still) is (mode != "init")
        ft.unfreeze(twin)
        assert ft.frozen(model) == still

    @pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
    def test_deep_copies_and_pickles_train_on(self, clone: Any) -> None:
        model, optimizer, still = prepared("Adam")
        train(model, optimizer, 1)
        twin = clone(model)
        before = arrays(twin)
        train(twin, optimizers.Adam().setup(twin), 2)
        ft.frozen(twin).check()
        assert moved(before, twin) == set(before) - set(still.digests)

    def test_repeat(self) -> None:
        block = Net().blocks[0]
        chain = chainer.Chain(block=block, fc=L.Linear(2, 2))
        ft.freeze(chain, "/block")
        names = ("", "/left", "/right", "/bn")
        for mode in ("init", "copy", "share"):
            copies = block.repeat(2, mode)
            assert {f"/{i}{name}" for i in (0, 1) for name in names} <= set(ft.frozen(copies).links)
            assert len(ft.frozen(copies).params) == 2 * len(list(block.params()))

    def test_to_device(self) -> None:
        model, optimizer, still = prepared()
        model.to_device("@numpy")
        train(model, optimizer, 1)
        still.check()

    @pytest.mark.parametrize("kind", ["npz", "hdf5"])
    def test_serializers(self, kind: str, tmp_path: Any) -> None:
        model, optimizer, still = prepared()
        train(model, optimizer, 1)
        path = str(tmp_path / "model")
        getattr(serializers, f"save_{kind}")(path, model)
        stock = net(seed=5)
        getattr(serializers, f"load_{kind}")(path, stock)
        assert moved(arrays(model), stock) == set() and not ft.frozen(stock)
        getattr(serializers, f"load_{kind}")(path, model)
        still.check()
        train(model, optimizer, 1)
        still.check()

    def test_a_frozen_lazy_parameter_is_initialized_by_loading(self) -> None:
        source, target = net(), net(seed=3)
        source(batch()[0])
        buffer = io.BytesIO()
        serializers.save_npz(buffer, source)
        buffer.seek(0)
        ft.freeze(target, "/fc")
        serializers.load_npz(buffer, target)
        np.testing.assert_array_equal(target.fc.W.array, source.fc.W.array)
        optimizer = optimizers.Adam().setup(target)
        train(target, optimizer)
        np.testing.assert_array_equal(target.fc.W.array, source.fc.W.array)

    def test_enable_update_does_not_thaw(self) -> None:
        model, optimizer, still = prepared()
        model.enable_update()
        train(model, optimizer)
        still.check()


class TestThaw:
    def test_what_becomes_live_begins_with_fresh_state_and_nothing_else_is_touched(self) -> None:
        model, optimizer, _ = prepared("Adam")
        train(model, optimizer, 2)
        other = {p: param.update_rule for p, param in model.namedparams() if "/tied" in p}
        states = {p: {k: v.copy() for k, v in r.state.items()} for p, r in other.items()}
        times = {p: r.t for p, r in other.items()}
        ft.unfreeze(model, "/blocks/0")
        rule = model.blocks[0].left.W.update_rule
        assert rule.state is None and rule.t == 0 and rule.enabled
        assert {p: r.t for p, r in other.items()} == times
        for path, rule in other.items():
            for key, value in rule.state.items():
                np.testing.assert_array_equal(value, states[path][key])
        train(model, optimizer, 1)
        assert model.blocks[0].left.W.update_rule.t == 1
        assert type(model.blocks[0].left.W) is chainer.Parameter

    def test_state_from_before_the_freeze_is_gone(self) -> None:
        model = net()
        optimizer = optimizers.Adam().setup(model)
        train(model, optimizer, 2)
        ft.freeze(model, "/conv1")
        assert model.conv1.W.update_rule.state is None
        assert model.conv1.W.grad is None

    def test_what_the_user_had_frozen_stays_frozen(self) -> None:
        model = net()
        optimizer = optimizers.SGD(0.1).setup(model)
        model.conv1.disable_update()
        ft.freeze(model, "/conv1", "/bn1")
        ft.unfreeze(model)
        assert not model.conv1.update_enabled and model.bn1.update_enabled
        before = arrays(model)
        train(model, optimizer)
        assert "/conv1/W" not in moved(before, model) and "/bn1/gamma" in moved(before, model)

    def test_a_part(self) -> None:
        model, _, _ = prepared()
        left = ft.unfreeze(model, "/blocks/0/bn")
        assert "/blocks/0" not in left.links and "/blocks/0/left" in left.links
        assert "/blocks/0/left/W" in left and "/blocks/0/bn/gamma" not in left

    def test_a_pattern_that_hits_nothing(self) -> None:
        model, _, _ = prepared()
        with pytest.raises(RuleError, match="'/conv2' hits nothing; nearest: /conv1"):
            ft.unfreeze(model, "/conv2")


class TestRefused:
    def test_nothing_left_to_train(self) -> None:
        model = net()
        with pytest.raises(UsageError, match=r"all 20 parameters of Net .* all_but\('/fc'\)"):
            ft.freeze(model, "/**")
        assert not ft.frozen(model)

    def test_one_array_in_a_frozen_and_a_live_link(self) -> None:
        model = net()
        with pytest.raises(UsageError, match=r"/tied/0/W would be .* /tied/1/W would train"):
            ft.freeze(model, "/tied/0")
        assert not ft.frozen(model)
        assert ft.freeze(model, "/tied").params == (
            "/tied/0/W", "/tied/0/b", "/tied/1/W", "/tied/1/b"
        )  # fmt: skip
        with pytest.raises(UsageError, match="one array"):
            ft.unfreeze(model, "/tied/1")

    def test_one_array_in_two_parameters(self) -> None:
        link = L.Linear(2, 2)
        model = chainer.Sequential(link, link.copy("share"))
        with pytest.raises(UsageError, match=r"/0/. would be frozen and /1/. would train"):
            ft.freeze(model, "/0")

    def test_a_parameter_of_a_class_of_its_own(self) -> None:
        class Masked(chainer.Parameter):
            pass

        model = net()
        with model.conv1.init_scope():
            model.conv1.W = Masked(model.conv1.W.array)
        with pytest.raises(UsageError, match="/conv1/W: is a Masked"):
            ft.freeze(model, "/conv1", "/bn1")
        assert not ft.frozen(model)

    def test_unknown_words(self) -> None:
        with pytest.raises(UsageError, match="statistics is one of still, train, not 'eval'"):
            ft.freeze(net(), "/conv1", statistics="eval")


class TestSaidAloud:
    def test_statistics(self, caplog: Any) -> None:
        with caplog.at_level(logging.WARNING, "chainer_ft"):
            ft.freeze(net(), *BODY)
        assert "as in inference: /bn1, /blocks/0/bn" in caplog.text

    def test_once(self, caplog: Any) -> None:
        model = net()
        ft.freeze(model, *BODY)
        caplog.clear()
        ft.freeze(model, "/tied")
        assert caplog.text == ""

    def test_lazy_parameters(self, caplog: Any) -> None:
        ft.freeze(net(), "/fc")
        assert "/fc/W: frozen before there is an array" in caplog.text

    def test_a_chain_of_the_old_style(self, caplog: Any) -> None:
        class Old(chainer.Chain):
            def __call__(self, x: Any) -> Any:
                return F.dropout(self.fc(x))

        model = chainer.Chain(old=Old(fc=L.Linear(2, 2)), fc=L.Linear(2, 2))
        ft.freeze(model, "/old")
        assert "/old: defines __call__ and not forward" in caplog.text

    def test_an_input_that_asks_for_a_gradient(self, caplog: Any) -> None:
        model, optimizer, still = prepared()
        caplog.clear()
        images, labels = batch()
        for _ in range(2):
            optimizer.update(
                lambda: F.softmax_cross_entropy(model(chainer.Variable(images)), labels)
            )
        assert caplog.text.count("asks for a gradient") == 1
        still.check()


class TestProof:
    @pytest.mark.parametrize("path", ["/conv1/W", "/bn1/avg_var", "/blocks/0/bn/N"])
    def test_one_bit_names_the_entry(self, path: str) -> None:
        from chainer_ft.links import slots

        model, _, still = prepared()
        slot = next(s for s in slots(model) if s.path == path)
        array = np.array(slot.array)
        array.reshape(-1).view(np.uint8)[0] ^= 1
        if slot.kind == "param":
            slot.value.array = array
        else:
            setattr(slot.link, slot.name, array)
        with pytest.raises(FrozenChangedError, match=f"^{path}: frozen, and not what it was"):
            still.check()
        ft.freeze(model, *BODY)
        ft.frozen(model).check()

    def test_all_of_them_are_named(self) -> None:
        model, _, still = prepared()
        model.conv1.W.array[0] += 1
        model.bn1.avg_mean[0] += 1
        with pytest.raises(FrozenChangedError, match=r"^/conv1/W, /bn1/avg_mean: .* they were"):
            still.check()

    def test_a_lazy_entry_counts_from_its_first_array(self) -> None:
        model = net()
        still = ft.freeze(model, "/fc")
        model(batch()[0])
        still.check()
        model.fc.W.array[0] += 1
        with pytest.raises(FrozenChangedError, match=r"^/fc/W"):
            still.check()


def test_what_is_frozen_is_told() -> None:
    model, _, still = prepared()
    assert "/conv1/W" in still and "/conv1" in still and "/bn1/avg_mean" in still
    assert "/fc/W" not in still and bool(still) and not ft.frozen(net())
    assert ft.frozen(model) == still


class OwnStatistics(chainer.Chain):
    """Keeps a mean of its own, under a name of its own."""

    def __init__(self) -> None:
        super().__init__(fc=L.Linear(2, 2))
        self.add_persistent("running", np.zeros(2, np.float32))

    def forward(self, x: Any) -> Any:
        h = self.fc(x)
        if chainer.config.train:
            self.running += h.array.mean(axis=0)
        return h


@pytest.mark.parametrize(
    ("statistics", "dropout", "moves"),
    [("still", "off", False), ("train", "off", False), ("train", "on", True)],
)
def test_statistics_of_a_link_of_ones_own(statistics: Any, dropout: Any, moves: bool) -> None:
    model = chainer.Sequential(OwnStatistics(), L.Linear(2, 1))
    still = ft.freeze(model, "/0", statistics=statistics, dropout=dropout)
    model(np.ones((3, 2), np.float32))
    still.check()
    assert model[0].running.any() == moves
    assert ("/0/running" in still) is not moves
