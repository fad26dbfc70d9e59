"""The machine against Python's own pickle: what it reads, what it refuses, what it costs."""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import time
from typing import Any

import assembler as asm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainer_ft.errors import FormatError, TruncatedError, UnsafeError
from chainer_ft.formats.pickled import machine as machine_module
from chainer_ft.formats.pickled.machine import Machine
from chainer_ft.formats.pickled.operations import OPERATIONS, _unknown
from chainer_ft.formats.pickled.records import Bag, Call, Global, Huge, Mapping, Raw
from chainer_ft.formats.pickled.texts import Texts

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
SETS = {"set": set, "frozenset": frozenset, "bytearray": bytearray, "bytes": bytes}


def run(data: bytes) -> Any:
    return Machine(data, "x.pkl").run()


def value_of(data: bytes, record: Any) -> Any:
    """The Python value that a record of plain types stands for."""
    texts = Texts(data, "x.pkl")
    if isinstance(record, (list, tuple)):
        return type(record)(value_of(data, item) for item in record)
    if isinstance(record, Mapping):
        return {value_of(data, k): value_of(data, v) for k, v in record.pairs}
    if isinstance(record, Bag):
        return frozenset(value_of(data, item) for item in record.items)
    if isinstance(record, Raw):
        stored = data[record.start : record.end]
        coding = "raw-unicode-escape" if record.coding == "unicode" else "utf-8"
        return stored if record.coding == "bytes" else stored.decode(coding, "surrogatepass")
    if isinstance(record, Call):
        if record.name == "_codecs.encode":
            return value_of(data, record.args[0]).encode(texts.text(record.args[1]))
        return SETS[record.func.name](*(value_of(data, arg) for arg in record.args))
    return record


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 500), (1 << 500) - 1),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.binary(max_size=300),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=5),
        st.sets(st.integers() | st.text(max_size=5), max_size=5),
        st.frozensets(st.integers(), max_size=3),
    ),
    max_leaves=20,
)


@given(VALUES, st.sampled_from(PROTOCOLS), st.booleans())
@settings(max_examples=400, deadline=None)
def test_plain_values(value: Any, protocol: int, in_python: bool) -> None:
    """C and Python write differently; both come out as they went in, bools as bools."""
    dumps = pickle._dumps if in_python else pickle.dumps  # type: ignore[attr-defined]
    data = dumps(value, protocol)
    machine = Machine(data, "x.pkl")
    assert repr_of(value_of(data, machine.run())) == repr_of(value)
    assert machine.position == len(data)
    assert machine.protocol == (protocol if protocol > 1 else 0)
    assert machine.opcodes == sum(1 for _ in pickletools.genops(data))


def repr_of(value: Any) -> str:
    """With types (True is not 1) and without the order of sets."""
    if isinstance(value, (set, frozenset)):
        return f"set({sorted(map(repr, value))})"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({', '.join(map(repr_of, value))})"
    if isinstance(value, dict):
        return f"dict({', '.join(f'{k!r}: {repr_of(v)}' for k, v in value.items())})"
    return repr(value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_was_one_object_is_one_record(protocol: int) -> None:
    one: list[Any] = [1]
    knot: list[Any] = [one, one, {"again": one}]
    knot.append(knot)
    record = run(pickle.dumps(knot, protocol))
    assert record[0] is record[1] is record[2].pairs[0][1]
    assert record[3] is record


PROGRAM = st.lists(
    st.sampled_from(
        [
            *(b"(", b"0", b"1", b"2", b"N", b"K\x05", b"K\x06", b"I01\n", b"L7L\n", b"]", b"}"),
            *(b")", b"a", b"e", b"l", b"t", b"d", b"s", b"u", b"\x85", b"\x86", b"\x87", b"\x88"),
            *(b"\x8f", b"\x90", b"\x91", b"\x94", b"q\x00", b"q\x01", b"h\x00", b"h\x01"),
            *(b"p2\n", b"g2\n", b"r\x03\0\0\0", b"j\x03\0\0\0", b"G?\xf0\0\0\0\0\0\0", b"F2.5\n"),
            *(b"\x8c\x01a", b"X\x01\0\0\0b", b"Vc\n", b"C\x01d", b"\x8a\x01\x80", b"M\x01\x01"),
            *(b"J\xff\xff\xff\xff", b"\x80\x02", b"\x89"),
        ]
    ),
    min_size=1,
    max_size=30,
)


@given(PROGRAM)
@settings(max_examples=3000, deadline=None)
def test_any_program(program: list[bytes]) -> None:
    """What Python's pickle makes of random opcodes, the machine makes of them, too."""
    data = b"".join(program) + b"."
    try:
        expected = repr(pickle.loads(data))
    except Exception:  # it may refuse more, such as keys that cannot be hashed
        expected = None
    try:
        record = run(data)
    except FormatError:
        assert expected is None, data
        return
    if expected is not None and "..." not in expected:  # which is how repr shows a knot
        assert repr_of(value_of(data, record)) == repr_of(pickle.loads(data)), data


@given(VALUES, st.sampled_from(PROTOCOLS), st.data())
@settings(max_examples=100, deadline=None)
def test_truncations(value: Any, protocol: int, draw: st.DataObject) -> None:
    data = pickle.dumps(value, protocol)
    end = draw.draw(st.integers(0, len(data) - 1))
    with pytest.raises(FormatError, match=r"x\.pkl: "):
        run(data[:end])


def test_every_opcode_of_pickletools_is_known() -> None:
    known = {ord(opcode.code) for opcode in pickletools.opcodes}
    assert {code for code in range(256) if OPERATIONS[code] is not _unknown} | {ord(".")} == known


CUTS = {
    b"K": "ends at byte 1 of 2",
    b"N": "ends at byte 1 of 2",
    b"M\x01": "ends at byte 2 of 3",
    b"G\0\0": "ends at byte 3 of 9",
    b"X\x05\0\0\0ab": "ends at byte 7 of 10",
    b"\x8e" + b"\xff" * 8: "ends at byte 9 of",
    b"Vabc": "inside a line",
    b"\x95\x05" + b"\0" * 7 + b"N": "ends at byte 10 of 14",
    b"\x8b\xff\xff\xff\x7f": "ends at byte 5 of",
}


@pytest.mark.parametrize("data", CUTS)
def test_the_end_is_where_the_message_says(data: bytes) -> None:
    with pytest.raises(TruncatedError, match=CUTS[data]):
        run(data)


BROKEN = {
    b".": "the stack is empty",
    b"0.": "the stack is empty",
    b"a.": "the stack is empty",
    b"Na.": "the stack is empty",
    b"(0.": "the stack is empty",
    b"N(.": "the stack is empty",
    b"(N\x86.": "the stack is empty",
    b"o.": "there is no mark",
    b"(o.": "the stack is empty",
    b"1.": "there is no mark",
    b"(Nd.": "a key without its value",
    b"h\x07.": "memo has no 7",
    b"g9\n.": "memo has no 9",
    b"Np-1\n.": "memo key -1",
    b"Npx\n.": "b'x' is no number",
    b"I1.5\n.": "b'1.5' is no number",
    b"Fone\n.": "b'one' is no number",
    b"Sabc\n.": "a string without its quotes",
    b"S'abc\"\n.": "a string without its quotes",
    b"S'\n.": "a string without its quotes",
    b"S\n.": "a string without its quotes",
    b"T\xff\xff\xff\xff.": "a length of -1",
    b"\x8b\xff\xff\xff\xff.": "a length of -1",
    b"\xff.": r"unknown opcode b'\\xff'",
    b"\x80\x06N.": "protocol 6; protocols 0 to 5 are known",
    b"NNa.": "it wants to append to a NoneType",
    b"NNNs.": "it wants to set items of a NoneType",
    b"}Nb.": "it wants to set attributes of a Mapping",
    b"NN\x93.": "a global's name is not a short string",
    b"c" + b"x" * 2000 + b"\ny\n.": "a line of 2000 bytes",
    b"cA\nB\n)R" + b"Nb" * 17 + b".": "given its attributes too often",
    b"\x97.": "out of band",
    b"P1\n.": "persistent ids",
    b"NQ.": "persistent ids",
}


@pytest.mark.parametrize("data", BROKEN)
def test_damage_is_named(data: bytes) -> None:
    with pytest.raises(FormatError, match=BROKEN[data]) as caught:
        run(data)
    assert str(caught.value).startswith("x.pkl: ")
    assert not isinstance(caught.value, TruncatedError)


def test_globals_may_not_be_changed() -> None:
    for data in (b"cos\nenviron\nNNs.", b"cos\nenviron\n(NNu.", b"cos\nenviron\n}b."):
        with pytest.raises(UnsafeError, match=r"'os\.environ'; this is no model"):
            run(data)
    with pytest.raises(UnsafeError, match=r"append to 'sys\.path'"):
        run(b"csys\npath\nNa.")


def test_calls_are_recorded() -> None:
    data = b"\x80\x02" + asm.call(asm.name("os", "system"), asm.text("true"))
    data += asm.dictionary(a=asm.NONE) + b"b" + asm.integer(7) + b"a" + b"NNs" + asm.STOP
    machine = Machine(data, "x.pkl")
    made = machine.run()
    assert machine.calls == [made]
    assert (made.name, made.how) == ("os.system", "reduce")
    assert data[made.offset - 1 : made.offset] == b"R"
    assert [type(state) for state in made.states] == [Mapping]
    assert made.items == [7, (None, None)]
    assert list(machine.globals) == [("os", "system")]


def test_a_name_is_one_record() -> None:
    first, second, third = run(b"(ca\nb\nca\nb\nca.b\nc\nt.")
    assert first is second
    assert isinstance(third, Global) and str(third) == "a.b.c"


def test_spellings_of_calls() -> None:
    for data, how in {
        b"(K\x01ia\nb\n.": "inst",
        b"(ca\nb\nK\x01o.": "inst",
        b"ca\nb\n(K\x01tR.": "reduce",
        b"ca\nb\n(K\x01t\x81.": "newobj",
    }.items():
        made = run(data)
        assert (made.name, made.args, made.how) == ("a.b", (1,), how)
    named = run(b"ca\nb\n(K\x01t}\x92.")
    assert named.args[0] == 1 and isinstance(named.args[1], Mapping)
    machine = Machine(b"ca\nb\n]R.", "x.pkl")
    assert machine.run().args == ([],)
    assert machine.remarks == ["reduce of a.b with arguments that are no tuple"]


def test_numbers() -> None:
    assert run(b"I00\n.") is False and run(b"I01\n.") is True
    assert run(b"I0\n.") == 0 and run(b"L-12L\n.") == -12 and run(b"L-12\n.") == -12
    assert run(b"\x8a\x00.") == 0
    assert math.isinf(run(b"Finf\n."))
    huge = run(b"L" + b"9" * 200 + b"L\n.")
    assert isinstance(huge, Huge)
    assert isinstance(run(b"\x8a\x41" + b"\x01" * 65 + b"."), Huge)


def test_python_2_gives_itself_away() -> None:
    for data, two, three in ((b"S'a'\n.", True, False), (b"cbuiltins\nset\n.", False, True)):
        machine = Machine(data, "x.pkl")
        machine.run()
        assert (machine.python2, machine.python3) == (two, three)


def test_opcodes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the size of the file, and over all the pickles in it."""
    monkeypatch.setattr(machine_module, "SPARE_OPCODES", 100)
    assert run(b"N" * 250 + b".") is None
    with pytest.raises(UnsafeError, match="more than 301 opcodes"):
        run(b"N" * 302)
    with pytest.raises(UnsafeError, match="more than 267 opcodes"):
        Machine(b"N" * 250 + b".", "x.pkl", opcodes=100).run()
    monkeypatch.setattr(machine_module, "MOST_OPCODES", 10)
    with pytest.raises(UnsafeError, match="more than 10 opcodes"):
        run(b"N" * 250 + b".")


def test_time_is_linear() -> None:
    """Half a million opcodes with a memo, in the order of a second even where cores are slow."""
    stream = io.BytesIO()
    pickle._Pickler(stream, 2).dump([[i, float(i), str(i)] for i in range(50_000)])  # type: ignore[attr-defined]
    data = stream.getvalue()
    start = time.process_time()
    machine = Machine(data, "x.pkl")
    assert len(machine.run()) == 50_000
    assert machine.opcodes > 400_000
    assert time.process_time() - start < 2


def test_joblib_is_named() -> None:
    with pytest.raises(FormatError, match=r"joblib\.dump"):
        run(b"csklearn.externals.joblib.numpy_pickle\nNumpyArrayWrapper\n)\x81.")
