"""The text format: what Caffe accepts, and errors that name the place."""

from __future__ import annotations

import math
import re

import pytest
from any_message import KINDS, messages
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.caffe.prototxt import Message, PrototxtError, parse_solver, to_text
from chainer_ft.caffe.schema import message_type
from chainer_ft.caffe.schema.tables import float32
from chainer_ft.caffe.text_reader import read_text


def net(text: str) -> Message:
    return read_text(text, "NetParameter", "net.prototxt")


def layer(text: str) -> Message:
    made: Message = net("layer {" + text + "}").layer[0]
    return made


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("convolution_param { num_output: 0x10 }", 16),
        ("convolution_param: { num_output: 010 }", 8),
        ("convolution_param < num_output: 7; >", 7),
        ("convolution_param { num_output: 7, }", 7),
        ("convolution_param { # a comment { \n num_output: 7\r\n }", 7),
        ("convolution_param{num_output:7}", 7),
    ],
)
def test_numbers_and_messages(written: str, value: int) -> None:
    assert layer(written).convolution_param.num_output == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"a" \'b\'\n"c"', "abc"),
        (r'"\n\x41\101\"\'\\"', "\nAA\"'\\"),
        (r'"\303\251"', "é"),
        ('"é"', "é"),
        (r'"\u00e9"', "é"),
    ],
)
def test_strings(written: str, value: str) -> None:
    assert layer(f"name: {written}").name == value


@pytest.mark.parametrize("written", ["true", "True", "t", "1", "0x1", "01"])
def test_true(written: str) -> None:
    assert net(f"force_backward: {written}").force_backward is True


@pytest.mark.parametrize("written", ["false", "False", "f", "0"])
def test_false(written: str) -> None:
    assert net(f"force_backward: {written}").force_backward is False


@pytest.mark.parametrize(
    ("written", "value"),
    [("1.5f", 1.5), (".5", 0.5), ("1e-3", 0.001), ("2", 2.0), ("-1", -1.0), ("- 1.", -1.0)],
)
def test_floats(written: str, value: float) -> None:
    found = read_text(f"base_lr: {written}", "SolverParameter").base_lr
    assert found == float32(value)


def test_floats_beyond_numbers() -> None:
    found = read_text("base_lr: -inf gamma: nan power: 1e60", "SolverParameter")
    assert found.base_lr == -math.inf and math.isnan(found.gamma) and found.power == math.inf


def test_lists() -> None:
    both = layer("loss_weight: [1, 2] loss_weight: 3 loss_weight: []")
    assert both.loss_weight == [1, 2, 3]
    assert [p.lr_mult for p in layer("param [{ lr_mult: 2 }, < lr_mult: 3 >]").param] == [2, 3]


def test_enums_by_name_and_number() -> None:
    assert layer("pooling_param { pool: AVE }").pooling_param.pool == "AVE"
    assert layer("pooling_param { pool: 1 }").pooling_param.pool == "AVE"


def test_a_byte_order_mark_is_skipped() -> None:
    assert net('\ufeffname: "x"').name == "x"


def test_a_net_in_the_place_of_a_solver() -> None:
    with pytest.raises(PrototxtError, match=r"s:1:1: .*'layers'; NetParameter has: this is a net"):
        parse_solver("layers { }", "s")
    with pytest.raises(PrototxtError, match="no field 'rate'; nearest: "):
        parse_solver("rate: 1", "s")


@pytest.mark.parametrize(
    ("written", "place", "said"),
    [
        ('nam: "x"', "1:1", "NetParameter has no field 'nam'; nearest: name"),
        ('Name: "x"', "1:1", "nearest: name"),
        ("base_lr: 1", "1:1", "SolverParameter has: this is a solver; name the net that it"),
        ("name: lenet", "1:7", 'name is a string: write name: "lenet"'),
        ('name: "x\n"', "1:7", "no end on its line"),
        ('name "x"', "1:6", "':' is missing after name"),
        ('name: "x"\n  name: "y"', "2:3", "given twice, first at net.prototxt:1:1"),
        ("force_backward: yes", "1:17", "true or false, not 'yes'"),
        ("force_backward: 2", "1:17", "true or false"),
        ("state { phase: TRIAN }", "1:16", "phase cannot be 'TRIAN'; nearest: TRAIN"),
        ("state { phase: 7 }", "1:16", "phase cannot be '7'"),
        ("state { level: 5.0 }", "1:16", "whole number, not '5.0'"),
        ("state { level: 4294967296 }", "1:16", "beyond -2147483648 to 2147483647"),
        ('state { level: "5" }', "1:16", "not a string; remove the quotes"),
        ("input_dim: 08", "1:12", "octal"),
        ("layer { convolution_param { pad: -1 } }", "1:34", "cannot be negative"),
        ("layer { loss_weight: 0x10 }", "1:22", "decimal number"),
        ("layer {", "1:8", "not closed; '}' is missing"),
        ("layer { name: ", "1:15", "a value of name is expected, not the end"),
        ("layer: 5", "1:8", "layer is a message: '{' is expected, not '5'"),
        ("}", "1:1", "the name of a field is expected, not '}'"),
        ("layer { >", "1:9", "the name of a field is expected, not '>'"),
        ("input_dim: 5x", "1:12", "a space is missing after the number '5'"),
        ("input_dim: @", "1:12", "'@' has no meaning"),
        (r'name: "\q"', "1:7", r"the escape '\\q' has no meaning"),
        ("input_dim: [1 2]", "1:15", "',' or ']' is expected, not '2'"),
        ("layer { include { fase: TEST } }", "1:19", "NetStateRule has no field 'fase'"),
        ("layer { clip_param { min: 1 } }", "1:20", "ClipParameter needs max"),
    ],
)
def test_errors_name_the_place(written: str, place: str, said: str) -> None:
    with pytest.raises(PrototxtError, match=re.escape(said)) as caught:
        net(written)
    assert str(caught.value).startswith(f"net.prototxt:{place}: ")


def test_unknown_fields_of_layers_wait_for_the_layer() -> None:
    found = layer('name: "p" normalize_param { order: [0, 2] deep { x: "a" y: -1.5 z: SUM } }')
    (unknown,) = found.unknown
    assert (unknown.name, str(unknown.place)) == ("normalize_param", "net.prototxt:1:18")
    order, deep = unknown.value
    assert order.value == [0, 2]
    assert [u.value for u in deep.value] == ["a", -1.5, "SUM"]


def test_deep_nests_are_an_error_and_no_crash() -> None:
    with pytest.raises(PrototxtError, match="deep"):
        layer("a {" * 100_000)


@given(st.sampled_from(KINDS).flatmap(lambda name: messages(message_type(name))))
def test_what_is_written_is_read(message: Message) -> None:
    assert read_text(to_text(message), message.kind.name) == message


SYMBOLS = [*"{}<>[]:,;-#'\\\n\x00é"]
WORDS = ["layer", "name", "type", "pad", "true", "include", "convolution_param", '"a"', "1", "0x"]
PIECES = st.sampled_from([*SYMBOLS, *WORDS, "1.5f", "1e"])


@given(st.lists(PIECES, max_size=30).map(" ".join) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_text(text, "NetParameter", "fuzz")
    except PrototxtError as error:
        assert re.match(r"fuzz:\d+:\d+: ", str(error))
