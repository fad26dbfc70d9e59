"""Messages: defaults, merging, places."""

from __future__ import annotations

import pytest

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.text_reader import read_text


def test_defaults() -> None:
    layer = Message("LayerParameter")
    assert layer.pooling_param.stride == 1 and layer.pooling_param.pool == "MAX"
    assert layer.batch_norm_param.eps == 9.999999747378752e-06  # float32
    assert not layer.has("pooling_param")


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no field 'nme'; nearest: name"):
        _ = Message("LayerParameter").nme


def test_merging_as_protobuf_does() -> None:
    one = read_text('level: 1 stage: "a"', "NetState", "one")
    one.merge(read_text('phase: TRAIN stage: "b"', "NetState", "two"))
    assert (one.phase, one.level, one.stage) == ("TRAIN", 1, ["a", "b"])
    assert one.where("stage", 1) == "two:1:14"
    net = read_text("state { level: 1 }", "NetParameter")
    net.merge(read_text("state { phase: TRAIN }", "NetParameter"))
    assert (net.state.level, net.state.phase) == (1, "TRAIN")


def test_a_copy_is_its_own() -> None:
    one = read_text('layer { name: "a" }', "NetParameter")
    other = one.copy()
    other.layer[0].set("name", "b")
    other.add("layer", Message("LayerParameter"))
    assert one.layer[0].name == "a" and len(one.layer) == 1
    assert one != other and one == one.copy()
