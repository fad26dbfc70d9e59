"""Which nets a solver trains and tests, in Caffe's order and states."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainer_ft.caffe.prototxt import parse_solver
from chainer_ft.caffe.solver.checks import check_can_snapshot, checked_optimizer
from chainer_ft.caffe.solver.nets import net_to_train, nets_to_test
from chainer_ft.errors import ChainerFTError, FormatError

NET = 'layer { name: "x" type: "Input" top: "x" }'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.prototxt").write_text(f'name: "{name}" {NET}')
    return tmp_path


def names(text: str) -> list[tuple[str, str, int]]:
    return [(p.message.name, p.origin, p.test_iter) for p in nets_to_test(parse_solver(text, "s"))]


def test_test_nets_stand_in_caffes_order(here: Path) -> None:
    assert names(
        'net: "a.prototxt" test_net: "b.prototxt" test_net: "c.prototxt" test_interval: 5 '
        f'test_net_param {{ name: "p" {NET} }} test_iter: 1 test_iter: 2 test_iter: 3 test_iter: 4 '
        "test_iter: 5"
    ) == [
        ("p", "test_net_param", 1),
        ("b", "test_net file: b.prototxt", 2),
        ("c", "test_net file: c.prototxt", 3),
        ("a", "net file: a.prototxt", 4),
        ("a", "net file: a.prototxt", 5),
    ]
    assert names('net: "a.prototxt" test_interval: 5') == []
    assert names(
        'train_net: "a.prototxt" test_net: "b.prototxt" test_iter: 2 test_interval: 1'
    ) == [("b", "test_net file: b.prototxt", 2)]


def test_states_are_merged_from_low_to_high(here: Path) -> None:
    text = (
        'net_param { name: "n" state { phase: TEST level: 1 stage: "net" } ' + NET + " } "
        'train_state { level: 2 stage: "solver" } test_iter: 1 test_interval: 1 '
        'test_state { level: 7 stage: "t" }'
    )
    plain = net_to_train(parse_solver(text, "s")).state
    assert (plain.phase, plain.level, plain.stage) == ("TEST", 2, ["net", "solver"])
    flagged = net_to_train(parse_solver(text, "s"), 0, ["", "flag"]).state
    assert (flagged.level, flagged.stage) == (0, ["net", "solver", "", "flag"])
    (test,) = nets_to_test(parse_solver(text, "s"))
    assert (test.state.phase, test.state.level, test.state.stage) == ("TEST", 7, ["net", "t"])
    assert not test.message.has("state")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base_lr: 1", "s.prototxt:1:1: no net"),
        ('net: "a.prototxt" train_net: "b.prototxt"', "net, train_net"),
        ('net: "d.prototxt"', "s.prototxt:1:1.*net.*d.prototxt"),
        ('net: "a.prototxt"\ntest_iter: 1', "test_interval"),
        ('train_net: "a.prototxt"\ntest_iter: 1 test_interval: 1', "s.prototxt:2:1.*0 test nets"),
        (
            'net: "a.prototxt" test_net: "b.prototxt" test_net: "c.prototxt"\n test_iter: 1 '
            "test_interval: 1",
            "s.prototxt:2:2.*2 test nets, but 1 test_iter",
        ),
        (
            'net: "a.prototxt" test_iter: 1 test_interval: 1\ntest_state {} test_state {}',
            "s.prototxt:2:1.*2 test_state",
        ),
    ],
)
def test_what_caffe_refuses_names_the_place(text: str, said: str, here: Path) -> None:
    with pytest.raises(ChainerFTError, match=said):
        message = parse_solver(text, "s.prototxt")
        net_to_train(message)
        nets_to_test(message)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('lr_policy: "fixed"\naverage_loss: 0', "s.prototxt:2:1: average_loss"),
        ('lr_policy: "stepp" base_lr: 1', "s.prototxt:1:1: lr_policy 'stepp'.*nearest: step"),
        ("base_lr: 1", "s.prototxt:1:1: lr_policy ''"),
        ('lr_policy: "step"\n gamma: 0.1 stepsize: -1', "s.prototxt:2:13: stepsize: -1"),
        ('lr_policy: "fixed"\ntype: "Adagrad"', "s.prototxt:2:1: type 'Adagrad'.*AdaGrad"),
        ('lr_policy: "fixed" type: "AdaGrad"\nmomentum: 0.9', "s.prototxt:2:1: momentum"),
        (
            'lr_policy: "fixed" weight_decay: 0.1\nregularization_type: "l2"',
            "s.prototxt:2:1: regularization_type: 'l2': nearest: L2",
        ),
        ('lr_policy: "fixed"\niter_size: 0', "s.prototxt:2:1: iter_size"),
    ],
)
def test_values_that_caffe_refuses_name_the_place(text: str, said: str) -> None:
    with pytest.raises(ChainerFTError, match=said):
        checked_optimizer(parse_solver(text, "s.prototxt"))


def test_a_snapshot_that_could_not_be_written_is_told_at_once(here: Path) -> None:
    check_can_snapshot(parse_solver('snapshot: 5 snapshot_prefix: "x"', "s"))
    with pytest.raises(FormatError, match="s:1:13: snapshot_prefix: 'no/x': the folder no does"):
        check_can_snapshot(parse_solver('snapshot: 5 snapshot_prefix: "no/x"', "s"))
