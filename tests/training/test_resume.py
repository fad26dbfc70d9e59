"""A resumed run is the unbroken one; a script that differs from its snapshot is told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import serializers
from training_nets import OPTIMIZERS, net
from training_runs import assert_equal, model_of, result, trainer

import chainer_ft as ft
from chainer_ft.errors import FormatError
from chainer_ft.formats.provenance import with_hash
from chainer_ft.links import origins
from chainer_ft.training.digest import FrozenChangedError
from chainer_ft.training.model_state import state_of
from chainer_ft.training.parameters import tuning_of
from chainer_ft.training.resume import ResumeError

BODY = ("/predictor/conv1", "/predictor/bn1", "/predictor/blocks/0")


def frozen_by_hand(model: Any) -> None:
    ft.freeze(model, *BODY)
    ft.learning_rates(model, {"/predictor/fc": 10}, decay={"/predictor/fc/b": 0})


def nothing(made: Any) -> None:
    pass


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_script_that_freezes_by_hand(name: str, tmp_path: Path) -> None:
    options = {"optimizer": OPTIMIZERS[name], "prepare": frozen_by_hand}
    whole = result(trainer(tmp_path / "a", 9, nothing, **options))
    resumed = trainer(tmp_path / "b", 9, nothing, **options)
    serializers.load_npz(tmp_path / "a" / "at_4", resumed)
    assert_equal(result(resumed), whole)
    ft.frozen(model_of(resumed)).check()


@pytest.mark.parametrize("at", [1, 4, 5, 6, 8])
def test_an_extension_that_thaws(at: int, tmp_path: Path) -> None:
    def extend(made: Any) -> None:
        made.extend(ft.extensions.Freeze(*BODY, until=(1, "epoch")))
        made.extend(ft.extensions.LearningRates({"/predictor/fc": 10}))

    whole = result(trainer(tmp_path / "a", 9, extend))
    resumed = trainer(tmp_path / "b", 9, extend)
    serializers.load_npz(tmp_path / "a" / f"at_{at}", resumed)
    assert bool(ft.frozen(model_of(resumed))) is (at < 5)
    assert_equal(result(resumed), whole)


def test_autoload(tmp_path: Path) -> None:
    def extend(made: Any) -> None:
        made.extend(ft.extensions.Freeze(*BODY, until=(6, "iteration")))
        snapshot = chainer.training.extensions.snapshot(filename="auto", autoload=True)
        made.extend(snapshot, name="auto", trigger=(7, "iteration"))

    whole = result(trainer(tmp_path / "a", 12, extend))
    result(trainer(tmp_path / "b", 8, extend))
    assert_equal(result(trainer(tmp_path / "b", 12, extend)), whole)


def test_an_iterator_that_shuffles_ahead_needs_an_order_that_does_not_draw(tmp_path: Path) -> None:
    def iterator(data: Any, size: int) -> Any:
        return chainer.iterators.MultithreadIterator(
            data, size, n_threads=1, order_sampler=ft.EpochShuffle(3)
        )

    options = {"iterator": iterator, "prepare": frozen_by_hand}
    whole = result(trainer(tmp_path / "a", 12, nothing, **options))
    resumed = trainer(tmp_path / "b", 12, nothing, **options)
    serializers.load_npz(tmp_path / "a" / "at_7", resumed)
    assert_equal(result(resumed), whole)


@pytest.mark.parametrize(
    "generator",
    [
        np.random.RandomState,
        lambda seed: np.random.RandomState(np.random.PCG64(seed)),
        lambda seed: np.random.Generator(np.random.PCG64(seed)),
        lambda seed: np.random.Generator(np.random.MT19937(seed)),
        lambda seed: np.random.Generator(np.random.SFC64(seed)),
        lambda seed: np.random.Generator(np.random.Philox(seed)),
    ],
)
def test_an_iterator_with_a_generator_of_its_own(generator: Any, tmp_path: Path) -> None:
    def iterator(data: Any, size: int) -> Any:
        sampler = chainer.iterators.ShuffleOrderSampler(generator(5))
        return chainer.iterators.SerialIterator(data, size, order_sampler=sampler)

    whole = result(trainer(tmp_path / "a", 12, nothing, iterator=iterator))
    resumed = trainer(tmp_path / "b", 12, nothing, iterator=iterator)
    serializers.load_npz(tmp_path / "a" / "at_7", resumed)
    assert_equal(result(resumed), whole)


class TestDiffers:
    """The script is not what the snapshot was taken with."""

    @pytest.fixture
    def snapshot(self, tmp_path: Path) -> Path:
        result(trainer(tmp_path / "a", 3, nothing, prepare=frozen_by_hand))
        return tmp_path / "a" / "at_3"

    def resumed(self, tmp_path: Path, prepare: Any = lambda model: None) -> Any:
        return trainer(tmp_path / "b", 6, nothing, prepare=prepare)

    def test_nothing_is_frozen_in_it(self, snapshot: Path, tmp_path: Path) -> None:
        with pytest.raises(ResumeError, match=r"taken with /predictor/conv1/W, .* nothing frozen"):
            serializers.load_npz(snapshot, self.resumed(tmp_path))

    def test_more_is_frozen_in_it(self, snapshot: Path, tmp_path: Path) -> None:
        def more(model: Any) -> None:
            frozen_by_hand(model)
            ft.freeze(model, "/predictor/tied")

        with pytest.raises(ResumeError, match="resume_with"):
            serializers.load_npz(snapshot, self.resumed(tmp_path, more))

    def test_other_rates(self, snapshot: Path, tmp_path: Path) -> None:
        def other(model: Any) -> None:
            ft.freeze(model, *BODY)

        with pytest.raises(ResumeError, match="learning rate x10 of /predictor/fc/W"):
            serializers.load_npz(snapshot, self.resumed(tmp_path, other))

    def test_the_snapshot_can_count(self, snapshot: Path, tmp_path: Path) -> None:
        whole = result(trainer(tmp_path / "c", 6, nothing, prepare=frozen_by_hand))
        made = self.resumed(tmp_path)
        with ft.resume_with("snapshot"):
            serializers.load_npz(snapshot, made)
        assert "/predictor/conv1/W" in ft.frozen(model_of(made))
        assert tuning_of(model_of(made).predictor.fc.W).lr_mult == 10
        assert_equal(result(made), whole)

    def test_the_script_can_count(self, snapshot: Path, tmp_path: Path, caplog: Any) -> None:
        made = self.resumed(tmp_path)
        with ft.resume_with("script"):
            serializers.load_npz(snapshot, made)
        assert "resumed with nothing frozen; the snapshot had /predictor/conv1/W" in caplog.text
        rule = model_of(made).predictor.conv1.W.update_rule
        assert rule.enabled and rule.t == 0 and rule.state is None
        assert model_of(made).predictor.fc.W.update_rule.t == 3
        result(made)

    def test_a_stock_snapshot(self, tmp_path: Path, caplog: Any, snapshot: Path) -> None:
        stock = strip(snapshot, tmp_path / "stock.npz")
        made = self.resumed(tmp_path, frozen_by_hand)
        serializers.load_npz(stock, made)
        assert "the snapshot says nothing of freezing; the script has" in caplog.text
        ft.frozen(model_of(made)).check()

    @pytest.mark.parametrize("is_stock", [False, True])
    def test_state_of_what_is_frozen_now_is_dropped(self, is_stock: bool, tmp_path: Path) -> None:
        trainer(tmp_path / "a", 2, nothing).run()
        snapshot = tmp_path / "a" / "at_2"
        made = self.resumed(tmp_path, frozen_by_hand)
        with ft.resume_with("script"):
            serializers.load_npz(
                strip(snapshot, tmp_path / "stock.npz") if is_stock else snapshot, made
            )
        frozen, live = (getattr(model_of(made).predictor, name).W for name in ("conv1", "fc"))
        assert frozen.update_rule.state is None and live.update_rule.state
        result(made)

    def test_a_stock_snapshot_of_a_run_that_disabled_what_trains_now(
        self, tmp_path: Path, snapshot: Path
    ) -> None:
        stock = strip(snapshot, tmp_path / "stock.npz")
        with pytest.raises(ResumeError, match=r"no optimizer state of /predictor/.*conv1/W"):
            serializers.load_npz(stock, self.resumed(tmp_path))

    def test_disable_update_in_one_of_them(self, tmp_path: Path) -> None:
        def extend(made: Any) -> None:
            model_of(made).predictor.conv1.disable_update()

        result(trainer(tmp_path / "a", 3, extend))
        with pytest.raises(ResumeError, match="disable_update of /predictor/conv1/W"):
            serializers.load_npz(tmp_path / "a" / "at_3", trainer(tmp_path / "b", 6, nothing))
        whole = result(trainer(tmp_path / "c", 6, extend))
        same = trainer(tmp_path / "d", 6, extend)
        serializers.load_npz(tmp_path / "a" / "at_3", same)
        assert_equal(result(same), whole)


def strip(snapshot: Path, out: Path) -> Path:
    """The snapshot as stock Chainer would have written it."""
    with np.load(snapshot) as npz:
        np.savez(out, **{k: npz[k] for k in npz.files if not k.startswith("chainer_ft/")})
    return out


class TestProof:
    def test_a_snapshot_is_not_taken_of_a_frozen_array_that_changed(self, tmp_path: Path) -> None:
        def extend(made: Any) -> None:
            @chainer.training.make_extension(trigger=(2, "iteration"))
            def tamper(made: Any) -> None:
                model_of(made).predictor.conv1.W.array[0, 0, 0, 0] += 1

            made.extend(tamper)

        made = trainer(tmp_path / "a", 5, extend, prepare=frozen_by_hand)
        with pytest.raises(FrozenChangedError, match=r"^/predictor/conv1/W: frozen"):
            made.run(show_loop_exception_msg=False)
        assert made.updater.iteration == 2 and not (tmp_path / "a" / "at_2").exists()

    def test_a_frozen_array_that_was_changed_inside_the_snapshot(self, tmp_path: Path) -> None:
        result(trainer(tmp_path / "a", 3, nothing, prepare=frozen_by_hand))
        with np.load(tmp_path / "a" / "at_3") as npz:
            held = dict(npz)
        held["updater/model:main/predictor/conv1/W"][0] += 1
        np.savez(tmp_path / "bad.npz", **held)
        made = trainer(tmp_path / "b", 6, nothing, prepare=frozen_by_hand)
        with pytest.raises(FrozenChangedError, match=r"^/predictor/conv1/W"):
            serializers.load_npz(tmp_path / "bad.npz", made)

    def test_a_damaged_state(self, tmp_path: Path) -> None:
        result(trainer(tmp_path / "a", 1, nothing))
        with np.load(tmp_path / "a" / "at_1") as npz:
            held = dict(npz)
        held["chainer_ft/state"] = np.frombuffer(b"{", np.uint8)
        np.savez(tmp_path / "bad.npz", **held)
        with pytest.raises(FormatError, match="state in this snapshot is damaged"):
            serializers.load_npz(tmp_path / "bad.npz", trainer(tmp_path / "b", 2, nothing))


def test_hdf5_snapshots_hold_the_same(tmp_path: Path) -> None:
    made = trainer(tmp_path / "a", 3, nothing, prepare=frozen_by_hand)
    again = trainer(tmp_path / "b", 3, nothing, prepare=frozen_by_hand)
    for one in (made, again):  # Chainer's HDF5 takes no text, and LogReport keeps its log as such
        del one._extensions["LogReport"]
    made.run()
    serializers.save_hdf5(tmp_path / "run.h5", made)
    serializers.load_hdf5(tmp_path / "run.h5", again)
    assert state_of(model_of(again)) == state_of(model_of(made))


def test_a_snapshot_says_where_the_weights_came_from(tmp_path: Path) -> None:
    source = tmp_path / "old.npz"
    ft.save(str(source), chainer.Chain(conv1=net().conv1))

    def copied(model: Any) -> None:
        ft.copy(str(source), model.predictor)

    made = trainer(tmp_path / "a", 2, nothing, prepare=copied)
    made.run()
    with np.load(tmp_path / "a" / "at_2") as npz:
        state = json.loads(npz["chainer_ft/state"].tobytes())
    origin = state["origins"]["main"]["/predictor"]
    assert origin["sources"] == [
        {"name": str(source), "sha256": hashlib.sha256(source.read_bytes()).hexdigest()}
    ]
    assert origin["entries"]["/conv1/W"] == {"source": "/conv1/W"}
    source.unlink()
    again = trainer(tmp_path / "b", 4, nothing)
    serializers.load_npz(tmp_path / "a" / "at_2", again)
    assert origins(model_of(again)) == state["origins"]["main"]
    again.run()


def test_a_source_that_was_replaced_since_is_not_hashed(tmp_path: Path) -> None:
    source = tmp_path / "old.npz"
    ft.save(str(source), chainer.Chain(conv1=net().conv1))
    model = net()
    ft.copy(str(source), model)
    source.write_bytes(b"another file")
    assert with_hash(origins(model)["/"])["sources"][0]["sha256"] is None
