"""The extension Freeze, in a trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import pytest
from chainer import serializers
from chainer.training import make_extension
from training_nets import arrays, moved
from training_runs import assert_equal, model_of, result, trainer

import chainer_ft as ft
from chainer_ft.errors import RuleError, UsageError
from chainer_ft.host import Host
from chainer_ft.training.digest import FrozenChangedError
from chainer_ft.training.resume import ResumeError
from chainer_ft.types import ExtensionFactory

BODY = ("/predictor/conv1", "/predictor/bn1")
Freeze = ft.extensions.Freeze


def test_it_freezes_for_all_of_the_run(tmp_path: Path) -> None:
    made = trainer(tmp_path, 4, lambda t: t.extend(Freeze(*BODY)))
    before = arrays(model_of(made))
    made.run()
    assert not {p for p in moved(before, model_of(made)) if p.startswith(BODY)}
    assert moved(before, model_of(made))


@pytest.mark.parametrize("until", [(5, "iteration"), "5 iterations", (1, "epoch")])
def test_it_thaws_in_time_and_what_it_froze_only(until: Any, tmp_path: Path) -> None:
    frozen_at = {}

    def extend(made: Any) -> None:
        made.extend(Freeze(*BODY, until=until))

        @chainer.training.make_extension(trigger=(1, "iteration"), priority=-60)
        def look(made: Any) -> None:
            frozen_at[made.updater.iteration] = ft.frozen(model_of(made)).params

        made.extend(look)

    made = trainer(
        tmp_path, 7, extend, prepare=lambda m: ft.freeze(m, "/predictor/tied", "/predictor/bn1")
    )
    made.run()
    by_hand = frozen_at[7]
    assert "/predictor/bn1/gamma" in by_hand and "/predictor/conv1/W" not in by_hand
    assert {i for i, params in frozen_at.items() if "/predictor/conv1/W" in params} == {1, 2, 3, 4}
    assert frozen_at[5] == by_hand


def test_until_a_function_says_so(tmp_path: Path) -> None:
    def late(made: Any) -> bool:
        return bool(made.updater.iteration == 3)

    made = trainer(tmp_path, 5, lambda t: t.extend(Freeze(*BODY, until=late)))
    made.run()
    assert not ft.frozen(model_of(made))
    assert "until=" in repr(Freeze("/a", until=late)) and "late" in repr(Freeze("/a", until=late))


def test_without_a_selection_it_proves_what_is_frozen(tmp_path: Path) -> None:
    def tampering(made: Any) -> None:
        made.extend(Freeze())

        @chainer.training.make_extension(trigger=(3, "iteration"), priority=-200)
        def tamper(made: Any) -> None:
            model_of(made).predictor.conv1.b.array[0] += 1

        made.extend(tamper)

    made = trainer(tmp_path, 3, tampering, prepare=lambda m: ft.freeze(m, *BODY))
    with pytest.raises(FrozenChangedError, match="/predictor/conv1/b"):
        made.run()


def test_a_typo_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    made = trainer(tmp_path, 3, lambda t: t.extend(Freeze("/conv1")))
    with pytest.raises(RuleError, match="'/conv1' hits nothing; nearest: /predictor/conv1"):
        made.run()
    assert made.updater.iteration == 0


@pytest.mark.parametrize("until", [3, (3, "weeks"), (0, "epoch"), "soon", (0.5, "iteration")])
def test_no_length(until: Any) -> None:
    with pytest.raises(UsageError, match=r"is no length; write '3 epochs'|a number above zero"):
        Freeze("/a", until=until)


class TestResume:
    def snapshot(self, tmp_path: Path, *selection: Any, **options: Any) -> Path:
        trainer(tmp_path / "a", 4, lambda t: t.extend(Freeze(*selection, **options))).run()
        return tmp_path / "a" / "at_4"

    @pytest.mark.parametrize(
        ("selection", "options", "what"),
        [
            (("/predictor/conv1",), {}, "selection"),
            (BODY, {"until": (9, "iteration")}, "until"),
            (BODY, {"statistics": "train"}, "mode"),
        ],
    )
    def test_another_extension_than_the_snapshots(
        self, selection: Any, options: Any, what: str, tmp_path: Path
    ) -> None:
        path = self.snapshot(tmp_path, *BODY)
        made = trainer(tmp_path / "b", 6, lambda t: t.extend(Freeze(*selection, **options)))
        with pytest.raises(ResumeError, match=f"the snapshot was taken with {what} "):
            serializers.load_npz(path, made)

    def test_no_extension_where_the_snapshot_has_one(self, tmp_path: Path) -> None:
        path = self.snapshot(tmp_path, *BODY)
        with pytest.raises(ResumeError, match="the script has nothing frozen"):
            serializers.load_npz(path, trainer(tmp_path / "b", 6, lambda t: None))

    def test_an_extension_where_the_snapshot_has_none(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        trainer(tmp_path / "a", 4, lambda t: None).run()
        made = trainer(tmp_path / "b", 6, lambda t: t.extend(Freeze(*BODY)))
        serializers.load_npz(tmp_path / "a" / "at_4", made)
        assert (
            "the snapshot knows no Freeze" in caplog.text and "begins at iteration 4" in caplog.text
        )
        before = arrays(model_of(made))
        made.run()
        assert not {p for p in moved(before, model_of(made)) if p.startswith(BODY)}

    def test_more_frozen_by_hand_than_in_the_snapshot(self, tmp_path: Path) -> None:
        path = self.snapshot(tmp_path, *BODY)
        made = trainer(
            tmp_path / "b",
            6,
            lambda t: t.extend(Freeze(*BODY)),
            prepare=lambda m: ft.freeze(m, "/predictor/tied"),
        )
        with pytest.raises(ResumeError, match="the script has /predictor/tied/0/W"):
            serializers.load_npz(path, made)

    def test_two_of_them(self, tmp_path: Path) -> None:
        def extend(made: Any) -> None:
            made.extend(Freeze(BODY[0], until=(3, "iteration")))
            made.extend(Freeze(BODY[1], until=(6, "iteration")))

        whole = result(trainer(tmp_path / "a", 9, extend))
        for at in (2, 3, 5, 6):
            made = trainer(tmp_path / "b", 9, extend)
            serializers.load_npz(tmp_path / "a" / f"at_{at}", made)
            assert_equal(result(made), whole)


def test_it_comes_through_the_hook() -> None:
    built = Host(installed=False).get(ExtensionFactory, "freeze").item.build("/conv*")
    assert isinstance(built, Freeze)


class TestOverlap:
    """Two extensions freeze the same; it is live when neither wants it frozen."""

    CONV = "/predictor/conv1"

    def run(self, out: Path, *extensions: Any, snapshot: Path | None = None) -> list[bool]:
        """Whether it was frozen after each of six iterations, or of those behind a snapshot."""
        seen = []

        @make_extension(trigger=(1, "iteration"), priority=-70)
        def look(made: Any) -> None:
            seen.append(f"{self.CONV}/W" in ft.frozen(model_of(made)))

        def extend(made: Any) -> None:
            for one in extensions:
                made.extend(one)
            made.extend(look, name="look")

        made = trainer(out, 6, extend)
        if snapshot:
            serializers.load_npz(snapshot, made)
        made.run()
        return seen

    @pytest.mark.parametrize("is_first", [False, True])
    def test_of_two_freezes(self, is_first: bool, tmp_path: Path) -> None:
        short = Freeze(self.CONV, until="2 iterations")
        both = [short, Freeze("/predictor/bn1", self.CONV, until="4 iterations")]
        assert self.run(tmp_path, *(both if is_first else both[::-1])) == [True] * 3 + [False] * 3

    @pytest.mark.parametrize("is_first", [False, True])
    @pytest.mark.parametrize(("until", "ends"), [("2 iterations", 4), ("5 iterations", 5)])
    def test_of_a_freeze_and_a_phase(
        self, is_first: bool, until: str, ends: int, tmp_path: Path
    ) -> None:
        phases = ft.Schedule([ft.Phase("4 iterations", freeze=self.CONV), ft.Phase(lr=0.1)])

        def both() -> list[Any]:
            made = [Freeze(self.CONV, until=until), ft.extensions.Schedule(phases)]
            return made if is_first else made[::-1]

        seen = self.run(tmp_path / "a", *both())
        assert seen == [True] * (ends - 1) + [False] * (7 - ends)
        resumed = self.run(tmp_path / "b", *both(), snapshot=tmp_path / "a" / "at_3")
        assert resumed == seen[3:]
