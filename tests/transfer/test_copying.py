"""plan and copy between links and files, and everything that must leave the target alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chainer
import chainer.links as L  # noqa: N812
import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.errors import (
    ArrayError,
    CoverageError,
    FormatError,
    NothingMatchedError,
    RuleError,
    StrictError,
    UsageError,
)
from chainer_ft.formats.provenance import history
from chainer_ft.types import Listing, Plan, Source


class Net(chainer.Chain):
    """Convolution, normalization, a lazy head."""

    def __init__(self, classes: int = 5, seed: int = 0) -> None:
        super().__init__()
        np.random.seed(seed)
        with self.init_scope():
            self.conv = L.Convolution2D(1, 4, 3)
            self.bn = L.BatchNormalization(4)
            self.fc = L.Linear(8, classes)
        self.bn.avg_mean[...] = seed
        self.bn.N = seed


def state(net: chainer.Link) -> dict[str, bytes]:
    return {p: a.tobytes() for p, a in chainer.serializers.npz.serialize(net).items()}


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = str(tmp_path / "old.npz")
    chainer.serializers.save_npz(path, Net(seed=1))
    return path


def test_link_to_link_statistics_and_all() -> None:
    old, new = Net(seed=1), Net(seed=2)
    outcome = ft.copy_model(old, new)
    assert state(old) == state(new)
    assert outcome.coverage == 1.0
    assert len(outcome) == 9
    assert outcome.written is None


def test_nothing_is_shared() -> None:
    old, new = Net(seed=1), Net(seed=2)
    before = state(old)
    ft.copy_model(old, new)
    for parameter in new.params():
        parameter.array[...] = 7
    new.bn.avg_mean[...] = 7
    assert state(old) == before


def test_file_to_link_with_another_head(file: str) -> None:
    net = Net(classes=3)
    plan = ft.plan(file, net)
    assert {clash.target for clash in plan.incorrect_shapes} == {"/fc/W", "/fc/b"}
    outcome = plan.apply()
    assert (net.conv.W.array == Net(seed=1).conv.W.array).all()
    assert net.bn.N == 1
    assert 0.4 < outcome.coverage < 1.0


def test_a_plan_is_a_value_that_can_be_applied_later(file: str) -> None:
    with ft.open(file) as source:
        plan = ft.plan(source, Net(seed=2))
    assert plan == ft.plan(file, Net(seed=2))
    assert json.loads(plan.to_json())["coverage"] == 1.0
    net = Net(seed=3)
    ft.plan(file, net).apply()
    assert state(net) == state(Net(seed=1))


def test_a_plan_of_listings_alone_cannot_be_applied() -> None:
    with pytest.raises(UsageError, match="made from listings alone"):
        Plan(Listing(()), Listing(())).apply()


def test_a_file_that_changed_since_the_plan(file: str) -> None:
    net = Net()
    plan, before = ft.plan(file, net), state(net)
    chainer.serializers.save_npz(file, Net(classes=9))
    with pytest.raises(FormatError, match="has changed since the plan was made"):
        plan.apply()
    assert state(net) == before


def test_into_a_new_file_everything_goes(file: str, tmp_path: Path) -> None:
    for name in ("new.npz", "new.h5", "new"):
        outcome = ft.copy(file, str(tmp_path / name))
        assert outcome.written == str(tmp_path / name)
        with ft.open(tmp_path / name) as made, ft.open(file) as old:
            assert made.format == ("hdf5" if name == "new.h5" else "npz")
            assert {e.path for e in made.listing} == {e.path for e in old.listing}
            for entry in old.listing:
                assert (made.read(entry.path) == old.read(entry.path)).all()


def test_into_a_new_file_with_rules(file: str, tmp_path: Path) -> None:
    new = str(tmp_path / "new.npz")
    ft.copy(file, new, rename={"^/conv/": "/stem/"}, skip="/fc")
    with ft.open(new) as made:
        assert "/stem/W" in made.listing
        assert "/fc/W" not in made.listing
        assert made.provenance is not None
        assert made.provenance["entries"]["/stem/W"] == {"source": "/conv/W"}
        assert len(made.provenance["sources"][0]["sha256"]) == 64


def test_into_an_existing_file_its_entries_are_the_target(file: str, tmp_path: Path) -> None:
    new = str(tmp_path / "new.npz")
    chainer.serializers.save_npz(new, Net(classes=3, seed=2))
    ft.copy(file, new)
    net = Net(classes=3)
    chainer.serializers.load_npz(new, net)
    assert (net.conv.W.array == Net(seed=1).conv.W.array).all()
    assert (net.fc.W.array == Net(classes=3, seed=2).fc.W.array).all()


def test_an_existing_file_keeps_its_format_and_out_goes_elsewhere(
    file: str, tmp_path: Path
) -> None:
    new, out = str(tmp_path / "weights"), str(tmp_path / "out.npz")
    chainer.serializers.save_hdf5(new, Net(seed=2))
    before = Path(new).read_bytes()
    ft.copy(file, new, out=out)
    assert Path(new).read_bytes() == before
    ft.copy(file, new)
    with ft.open(new) as made, ft.open(out) as other:
        assert (made.format, other.format) == ("hdf5", "npz")
        assert (made.read("/fc/W") == other.read("/fc/W")).all()


def test_a_model_spec_goes_to_out(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = f"{__file__}:Net"
    outcome = ft.copy(file, spec, out="out.npz")
    assert outcome.written == "out.npz"
    net = Net(seed=9)
    chainer.serializers.load_npz("out.npz", net)
    assert state(net) == state(Net(seed=1))
    with pytest.raises(UsageError, match=r"is a model; name a file for the result: -o out.npz"):
        ft.copy(file, spec)


def test_a_snapshot_is_not_replaced_by_its_model(file: str, tmp_path: Path) -> None:
    snapshot = str(tmp_path / "snapshot")
    model = chainer.serializers.npz.serialize(Net())
    arrays = {f"updater/model:main/{path}": array for path, array in model.items()}
    np.savez(snapshot, **arrays, **{"updater/iteration": np.array(7)})
    snapshot += ".npz"
    before = Path(snapshot).read_bytes()
    with pytest.raises(UsageError, match="only a part of this file would be replaced"):
        ft.copy(file, snapshot)
    assert Path(snapshot).read_bytes() == before
    ft.copy(file, snapshot, out=str(tmp_path / "out.npz"))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"min_coverage": 0.99}, CoverageError),
        ({"strict": True}, StrictError),
        ({"rename": {"^/": "/x_"}}, NothingMatchedError),
        ({"policy": "nam"}, UsageError),
    ],
)
def test_a_refused_copy_writes_nothing(
    file: str, tmp_path: Path, options: dict[str, object], error: type[Exception]
) -> None:
    net, out = Net(classes=3), tmp_path / "out.npz"
    before = state(net)
    with pytest.raises(error):
        ft.copy(file, net, out=str(out), **options)
    assert state(net) == before
    assert list(tmp_path.iterdir()) == [Path(file)]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"min_coverage": 7}, UsageError, "from 0.0 to 1.0, not 7"),
        ({"out": "nowhere/out.npz"}, FormatError, "there is no folder .*nowhere; make it first"),
        ({"out": "out.pkl"}, FormatError, "out.pkl: a pickle can be filled and not made"),
        ({"out": "out.bin"}, FormatError, "no saver writes this suffix"),
    ],
)
def test_what_cannot_end_well_is_told_before_the_plan(
    file: str, options: dict[str, object], error: type[Exception], message: str
) -> None:
    for target in (Net(), file):
        with pytest.raises(error, match=message):
            ft.plan(file, target, **options)


class Failing(Source):
    """A source whose n-th read fails."""

    def __init__(self, inner: Source, fails: int, how: str) -> None:
        self.name, self._inner, self._left, self._how = "failing", inner, fails, how

    @property
    def listing(self) -> Listing:
        return self._inner.listing

    def read(self, path: str) -> np.ndarray:
        self._left -= 1
        array = self._inner.read(path)
        if self._left == -1:
            if self._how == "raise":
                raise OSError("the disk is gone")
            return array[:0] if self._how == "shape" else np.full_like(array, np.nan)
        return array


@pytest.mark.parametrize("how", ["raise", "shape", "nan"])
@pytest.mark.parametrize("position", range(9))
def test_failing_at_every_entry_leaves_everything(tmp_path: Path, position: int, how: str) -> None:
    net, file = Net(seed=2), tmp_path / "target.npz"
    chainer.serializers.save_npz(str(file), net)
    before, bytes_before = state(net), file.read_bytes()
    from chainer_ft.links import LinkSource

    paths = LinkSource(Net(seed=1)).listing.paths
    if how != "raise" and paths[position] == "/bn/N":
        return  # a counter is a scalar that may hold anything
    for target in (net, str(file)):
        source = Failing(LinkSource(Net(seed=1)), position, how)
        with pytest.raises((ft.ChainerFTError, OSError)):
            ft.copy(source, target)
    assert state(net) == before
    assert file.read_bytes() == bytes_before
    assert list(tmp_path.iterdir()) == [file]


def test_tied_parameters_take_equal_arrays_and_refuse_others() -> None:
    def tied() -> chainer.Chain:
        net = chainer.Chain(a=L.Linear(2, 2), b=L.Linear(2, 2))
        net.b.W = net.a.W
        return net

    net, old = tied(), chainer.Chain(a=L.Linear(2, 2), b=L.Linear(2, 2))
    before = state(net)
    with pytest.raises(ArrayError, match="/a/W and /b/W are one array in the target"):
        ft.copy(old, net)
    assert state(net) == before
    ft.copy(tied(), net)
    assert net.a.W is net.b.W
    old.b.W.array[...] = old.a.W.array
    assert ft.copy(old, net).coverage == 1.0


def test_save_keeps_links_without_arrays_for_hdf5(tmp_path: Path) -> None:
    net = chainer.Chain(outer=chainer.Chain(inner=chainer.Chain(), fc=L.Linear(2, 2)))
    net.add_link("empty", chainer.Chain(deeper=chainer.Chain(bare=chainer.Link())))
    file = str(tmp_path / "net.h5")
    saved = state(net)
    ft.save(file, net)
    net.outer.fc.W.array[...] = 7
    chainer.serializers.load_hdf5(file, net)  # fails where a link has no group
    assert state(net) == saved


def test_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no saver writes this suffix; known: .npz, .h5"):
        ft.save(tmp_path / "net.caffemodel", L.Linear(2, 2))


@pytest.mark.gpu
def test_between_devices() -> None:
    if not chainer.backends.cuda.available:
        pytest.skip("needs a GPU and CuPy")
    for source_device, target_device in (("@cupy:0", "@numpy"), ("@numpy", "@cupy:0")):
        old, new = Net(seed=1), Net(seed=2)
        old.to_device(source_device)
        new.to_device(target_device)
        ft.copy_model(old, new)
        assert new.conv.W.device == chainer.get_device(target_device)
        new.to_device("@numpy")
        assert state(new) == state(Net(seed=1))


def test_lazy_and_none_entries_go_into_a_new_file(tmp_path: Path) -> None:
    old, new = str(tmp_path / "old.npz"), str(tmp_path / "new.npz")
    net = chainer.Chain(fc=L.Linear(None, 3), a=L.Linear(2, 2))
    net.add_persistent("extra", None)
    chainer.serializers.save_npz(old, net)
    ft.copy(old, new)
    with ft.open(old) as one, ft.open(new) as other:
        assert {e.path: e.shape for e in one.listing} == {e.path: e.shape for e in other.listing}
        assert (other.read("/fc/b") == one.read("/fc/b")).all()
    with pytest.raises(ft.ChainerFTError, match=r"a Python dict.*take it out"):
        net.add_persistent("table", {"a": 1})
        ft.save(str(tmp_path / "no.npz"), net)
    assert not (tmp_path / "no.npz").exists()


def test_a_save_that_fails_undoes_the_link(file: str, tmp_path: Path) -> None:
    net = Net(seed=2)
    before = state(net)
    with pytest.raises(FormatError, match="there is no folder"):
        ft.copy(file, net, out=tmp_path / "none" / "x.npz")
    assert state(net) == before


def test_a_mistyped_target_is_not_a_new_file_when_out_is_named(file: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"ol\.npz: there is no such file or model; did you mean"):
        ft.copy(file, str(tmp_path / "ol.npz"), out=tmp_path / "new.npz")
    with pytest.raises(UsageError, match=r"nets\.py: name the model in it, like nets\.py:Net"):
        ft.copy(file, "nets.py", out=tmp_path / "new.npz")
    with pytest.raises(UsageError, match=r"'nets\.py:Net\(5\)' is not like .*: file\.py:make"):
        ft.copy(file, "nets.py:Net(5)", out=tmp_path / "new.npz")


def test_arrays_on_one_memory_are_one_array_or_refused() -> None:
    def net() -> chainer.Chain:
        return chainer.Chain(a=L.Linear(2, 2), b=L.Linear(2, 2))

    old, same, turned = net(), net(), net()
    same.b.W.array = same.a.W.array.view()
    turned.b.W.array = turned.a.W.array.T
    with pytest.raises(ArrayError, match="/a/W and /b/W are one array in the target"):
        ft.copy(old, same)
    before = state(turned)
    with pytest.raises(ArrayError, match="lie on the same memory and are not one array"):
        ft.copy(old, turned)
    assert state(turned) == before


def test_a_read_only_array_of_two_names_stays_one() -> None:
    net, old = chainer.Chain(a=L.Linear(2, 2), b=L.Linear(2, 2)), chainer.Chain(a=L.Linear(2, 2))
    net.b.W.array = net.a.W.array
    net.a.W.array.flags.writeable = False
    ft.copy(old, net)
    assert (net.b.W.array == old.a.W.array).all()
    assert net.b.W.array is net.a.W.array


def test_the_rename_and_skip_of_the_contract(file: str) -> None:
    plan = ft.plan(file, Net(), rename={"^/fc/": "/score/"}, skip=["/fc"])
    assert {(s.side, s.path) for s in plan.skipped} == {
        ("source", "/fc/W"),
        ("source", "/fc/b"),
        ("target", "/fc/W"),
        ("target", "/fc/b"),
    }


def test_skipping_one_name_of_a_shared_array_is_an_error() -> None:
    net = chainer.Chain(a=L.Linear(2, 2, nobias=True), b=L.Linear(2, 2, nobias=True))
    net.b.W = net.a.W
    with pytest.raises(UsageError, match="/b/W is the same array as /a/W, which is filled"):
        ft.plan(chainer.Chain(a=L.Linear(2, 2, nobias=True)), net, skip="/b")


def test_a_link_that_contains_itself() -> None:
    net = chainer.Chain(a=L.Linear(2, 2))
    net.add_link("me", net)
    with pytest.raises(ArrayError, match="/me: this link contains itself"):
        ft.plan(L.Linear(2, 2), net)


def test_a_file_tells_of_every_copy_into_it(tmp_path: Path) -> None:
    names = [str(tmp_path / f"{i}.npz") for i in range(12)]
    for i, name in enumerate(names):
        ft.save(name, Net(classes=3, seed=i))
    made = str(tmp_path / "made.npz")
    ft.copy(names[0], made)
    for name in names[1:]:
        ft.copy(name, made, only="/fc")
    with ft.open(made) as source:
        told = history(source.provenance, most=99)
        assert [one["sources"][0]["name"] for one in told] == names[:2:-1]
        assert all(len(one["sources"][0]["sha256"]) == 64 for one in told)
        assert list(told[0]["entries"]) == ["/fc/W", "/fc/b"]
        assert str(source).count("weights from: ") == 8


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (Net, r"Net is a class, not a link: write Net\(\); give a link, a file"),
        ({"/W": np.zeros(2)}, "a dict is no link; give a link, a file"),
        (None, "a NoneType is no link"),
    ],
)
def test_what_is_no_end_of_a_copy(file: str, end: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ft.copy(file, end)
    with pytest.raises(UsageError, match=said):
        ft.copy(end, Net())


@pytest.mark.parametrize("rename", ["^/fc/", ["^/fc/"], [("/a", "/b", "/c")]])
def test_a_rename_without_its_replacement(file: str, rename: Any) -> None:
    with pytest.raises(RuleError, match=r"rename .*: give \{pattern: replacement\}"):
        ft.plan(file, Net(), rename=rename)


def test_what_is_no_model(tmp_path: Path) -> None:
    path = str(tmp_path / "x.npz")
    for call in (
        lambda: ft.save(path, Net),
        lambda: ft.freeze(Net, "/fc"),
        lambda: ft.summary(Net),
        lambda: ft.learning_rates(Net, {"/fc": 10}),
    ):
        with pytest.raises(UsageError, match=r"Net is a class, not a link: write Net\(\)"):
            call()
    assert not (tmp_path / "x.npz").exists()
