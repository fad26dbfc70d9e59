"""Which layers there are in a phase, stage and level."""

from __future__ import annotations

import pytest

from chainer_ft.caffe.prototxt import PrototxtError, parse_net
from chainer_ft.caffe.state import kept_layers, net_state
from chainer_ft.caffe.text_reader import read_text
from chainer_ft.errors import UsageError

RULES = [
    ("include { phase: TRAIN }", {"phase": "TRAIN"}, True),
    ("include { phase: TRAIN }", {}, False),
    ("exclude { phase: TEST }", {}, False),
    ("exclude { phase: TRAIN }", {}, True),
    ("include { phase: TRAIN } include { stage: 'a' }", {"stages": ["a"]}, True),
    ("exclude { phase: TRAIN } exclude { stage: 'a' }", {"stages": ["a"]}, False),
    ("include { min_level: 2 }", {"level": 2}, True),
    ("include { min_level: 2 }", {"level": 1}, False),
    ("include { max_level: 2 }", {"level": 3}, False),
    ("include { stage: 'a' stage: 'b' }", {"stages": ["a"]}, False),
    ("include { stage: 'a' stage: 'b' }", {"stages": ["b", "a", "c"]}, True),
    ("include { not_stage: 'a' }", {"stages": ["a"]}, False),
    ("include { not_stage: 'a' }", {"stages": ["b", ""]}, True),
    ("include { }", {}, True),
    ("exclude { }", {}, False),
]


@pytest.mark.parametrize(("rules", "state", "kept"), RULES)
def test_rules(rules: str, state: dict[str, object], kept: bool) -> None:
    net = parse_net(f"layer {{ {rules} }}")
    assert bool(kept_layers(net, net_state(net, **state))) is kept  # type: ignore[arg-type]


def test_both_kinds_of_rules() -> None:
    net = parse_net("layer { include { }\n exclude { } }", "n")
    with pytest.raises(PrototxtError, match=r"^n:2:2: layer '' has both"):
        kept_layers(net, net_state(net))


def test_the_nets_own_state_and_the_callers() -> None:
    net = read_text("state { phase: TRAIN level: 1 stage: 'a' }", "NetParameter")
    own = net_state(net)
    assert (own.phase, own.level, own.stage) == ("TRAIN", 1, ["a"])
    other = net_state(net, "TEST", ["b"], 0)
    assert (other.phase, other.level, other.stage) == ("TEST", 0, ["a", "b"])
    assert net.state.stage == ["a"]
    assert net_state(net, stages="bc").stage == ["a", "bc"]
    with pytest.raises(UsageError, match="TRAIN or TEST, not 'train'"):
        net_state(net, "train")
