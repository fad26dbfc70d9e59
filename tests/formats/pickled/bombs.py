"""Small pickles that ask for much: memory, time, depth, paths."""

from __future__ import annotations

import gzip
import struct

from assembler import (
    NONE,
    STOP,
    array,
    call,
    dictionary,
    dtype,
    get,
    integer,
    link,
    list_,
    model,
    name,
    names,
    parameter,
    proto,
    put,
    raw,
    text,
    tuple_,
)

MANY = 100_000


def bombs() -> dict[str, bytes]:
    """All of them, by name."""
    return {**_lengths(), **_floods(), **_depths(), **_shapes(), **_tangles(), **_models()}


def _lengths() -> dict[str, bytes]:
    huge = struct.pack("<Q", 1 << 62)
    digits = b"9" * 1_000_000
    made = {
        "BINUNICODE8": b"\x8d" + huge,
        "BINBYTES8": b"\x8e" + huge,
        "BINBYTES8 of all bits": b"\x8e" + b"\xff" * 8,
        "BYTEARRAY8": b"\x96" + huge,
        "FRAME": b"\x95" + huge + NONE,
        "BINSTRING below zero": b"T\xff\xff\xff\xff",
        "LONG4": b"\x8b\xff\xff\xff\x7f",
        "LONG4 below zero": b"\x8b\xff\xff\xff\xff",
        "LONG1": b"\x8a\xff" + b"\x01" * 255,
        "long LONG4": b"\x8b" + struct.pack("<i", 1_000_000) + b"\x7f" * 1_000_000,
        "INT": b"I" + digits + b"\n",
        "LONG": b"L" + digits + b"L\n",
        "FLOAT": b"F" + digits + b"\n",
        "GET": b"g" + digits + b"\n",
        "PUT": b"Np" + digits + b"\n",
        "PUT below zero": b"Np-1\n",
        "LONG_BINPUT": b"Nr\xff\xff\xff\xff",
        "GLOBAL": b"c" + digits + b"\n" + digits + b"\n",
        "long names": text("9" * 1_000_000) + text("a") + b"\x93",
        "line without an end": b"V" + digits,
        "STRING of backslashes": b"S'" + b"\\" * 1_000_001 + b"'\n",
        "UNICODE of escapes": b"V" + b"\\U0010ffff" * 100_000 + b"\n",
        "arguments": call(name("builtins", "bytearray"), integer(10**12)),
        "zeros": call(name("numpy", "zeros"), tuple_(integer(10**12))),
        "range": call(name("builtins", "list"), call(name("builtins", "range"), integer(10**15))),
        "power": call(name("builtins", "pow"), integer(10), integer(10**15)),
    }
    return {key: proto(4) + value + STOP for key, value in made.items()}


def _floods() -> dict[str, bytes]:
    """Half a million of one opcode."""
    million = 590_000  # beyond, they are refused
    made = {
        "EMPTY_DICT": b"}" * million,
        "EMPTY_SET": b"\x8f" * million,
        "EMPTY_LIST": b"]" * million,
        "MARK": b"(" * million,
        "MEMOIZE": NONE + b"\x94" * million,
        "DUP": NONE + b"2" * million,
        "TUPLE1": NONE + b"\x85" * million,
        "extensions": b"".join(b"\x84" + struct.pack("<i", i) for i in range(MANY)),
        "calls": name("os", "system") + b"2)R" * (million // 3),
        "calls of calls": name("os", "system") + b")R" * (million // 2),
        "globals": b"".join(f"ca{i}\nb\n".encode() for i in range(MANY)),
        "memo": NONE + b"".join(put(i * 40_000) for i in range(MANY)),
        "keys": b"}("
        + b"".join(integer(i * 0x9E3779B97F4A7C15 % 2**63) + NONE for i in range(MANY))
        + b"u",
        "mantissas": b"}("
        + b"".join(b"G" + struct.pack(">d", i) + NONE for i in range(MANY))
        + b"u",
        "members": b"\x8f(" + b"".join(integer(i << 61) for i in range(MANY)) + b"\x90",
        "small appends": b"]" + b"(Ne" * (million // 3),
        "small pickles": b"N" + b".N" * MANY,
        "too many opcodes": b"N0" * (million * 2),
        "gzip of zeros": b"X" + struct.pack("<I", 10**8) + b"\0" * 10**8,
    }
    flooded = {f"flood of {key}": proto(4) + value + STOP for key, value in made.items()}
    zeros = flooded["flood of gzip of zeros"]
    return {**flooded, "flood of gzip of zeros": gzip.compress(zeros)}


def _depths() -> dict[str, bytes]:
    deep = MANY
    namespace = name("argparse", "Namespace") + b")\x81"
    nested_bytes = name("builtins", "bytes") + b"q\x00" + b"0" + b"h\x00" * deep + raw(b"x" * 8)
    recover = name("chainer.variable", "Variable") + b"q\x000" + b"h\x00" * deep + array()
    dill = name("dill._dill", "_create_array") + b"q\x000" + b"h\x00(" * 30 + NONE + b"))tR" * 30
    return {
        "deep lists": b"]" * deep + b"a" * (deep - 1) + STOP,
        "deep tuples": proto(2) + NONE + b"\x85" * deep + STOP,
        "deep tuples as a key": proto(2) + b"}" + NONE + b"\x85" * deep + b"Ns.",
        "deep tuples in a set": proto(4) + b"\x8f(" + NONE + b"\x85" * deep + b"\x90.",
        "deep dictionaries": b"}N" * deep + NONE + b"s" * deep + STOP,
        "deep calls": proto(2)
        + b"cos\nsystem\nq\x000"
        + b"h\x00" * deep
        + NONE
        + b"\x85R" * deep
        + STOP,
        "deep states": proto(2) + namespace * deep + b"b" * (deep - 1) + STOP,
        "deep bytes": model(array(payload=nested_bytes + b"\x85R" * deep)),
        "deep variables": model(recover + b"\x85R" * deep),
        "deep dill": model(dill),
        "deep marks": b"(" * deep + NONE + b"t" * deep + STOP,
        "deep chains": _deep_chains(5_000),
        "deep model": proto(2)
        + b"](" * 1000
        + link(_params=names("W"), W=parameter(array()))
        + b"e" * 1000
        + STOP,
    }


def _deep_chains(depth: int) -> bytes:
    made = link()
    for _ in range(depth):
        made = b"]" + made + b"a"
    inner = proto(2) + names("a") + put(1) + b"0" + names() + put(2) + b"0"
    start = name("argparse", "Namespace") + b")\x81}(" + text("_params") + get(2)
    start += text("_persistent") + get(2) + text("_children") + get(1) + text("a")
    return inner + start * depth + NONE + b"ub" * depth + STOP


def _shapes() -> dict[str, bytes]:
    shapes = {
        "2**62": (1 << 62,),
        "2**31 cubed": (1 << 31, 1 << 31, 4),
        "2**64 that wraps to 2": ((1 << 63) + 1, 2),
        "below zero": (-2,),
        "below zero twice": (-1, -2),
        "no numbers of 2**59": (0, 1 << 59, 1 << 59),
        "33 dimensions": (1,) * 33,
        "a hundred thousand dimensions": (1,) * MANY,
    }
    arrays = {key: array(shape=tuple_(*map(integer, sizes))) for key, sizes in shapes.items()}
    codes = ("f4,(2000000000,)i4", "V2000000000", "S0", "U0", "U536870912", "f3", "b9", "M8[ns]")
    codes += ("O", "O8", "(2,)f4", "i4" * 200, "\x00", "", "f4\n", "\uff464", "f999999999")
    arrays |= {f"dtype {code[:20]!r}": array(kind=dtype(code)) for code in codes}
    field = tuple_(dtype(), integer(0))
    kinds = {
        "huge itemsize": _state(size=integer(1 << 40)),
        "itemsize below zero": _state(size=integer(-5)),
        "subarray": _state(subarray=tuple_(dtype(), tuple_(integer(10**9)))),
        "fields of one": _state(tuple_(text("a")), dictionary(a=tuple_(dtype()))),
        "offsets beyond": _state(
            tuple_(text("a")), dictionary(a=tuple_(dtype(), integer(1 << 40)))
        ),
        "offsets below zero": _state(
            tuple_(text("a")), dictionary(a=tuple_(dtype(), integer(-4))), integer(4)
        ),
        "equal names": _state(tuple_(text("a"), text("a")), dictionary(a=field), integer(4)),
        "names of control characters": _state(
            tuple_(text("\x1b[31m")), dictionary(**{"\x1b[31m": field}), integer(4)
        ),
        "order of megabytes": _state(order=text("<" * 1_000_000)),
        "names without end": _state(tuple_(*[text("a")] * MANY), b"}"),
        "fields that overlap": _state(
            tuple_(text("a"), text("b")),
            dictionary(a=field, b=tuple_(dtype(), integer(2))),
            integer(8),
        ),
        "in itself": dtype("V4")
        + put(900)
        + tuple_(
            integer(3),
            text("|"),
            NONE,
            tuple_(text("a")),
            dictionary(a=tuple_(get(900), integer(0))),
            integer(4),
            integer(1),
            integer(0),
        )
        + b"b",
        "nested": _nested_dtypes(1000),
    }
    arrays |= {f"dtype with {key}": array(kind=made) for key, made in kinds.items()}
    arrays["zeros of nothing"] = array(b"", tuple_(integer(1 << 58)), dtype("V0"))
    return {f"array of {key}": model(made) for key, made in arrays.items()}


def _state(
    fields: bytes = NONE,
    known: bytes = NONE,
    size: bytes = integer(-1),
    subarray: bytes = NONE,
    order: bytes = text("<"),
) -> bytes:
    rest = (integer(-1), integer(0))
    return dtype("f4", integer(3), order, subarray, fields, known, size, *rest)


def _nested_dtypes(depth: int) -> bytes:
    made = dtype()
    for _ in range(depth):
        pair = tuple_(made, integer(0))
        both = dictionary(a=pair, b=tuple_(dtype(), integer(4)))
        made = _state(tuple_(text("a"), text("b")), both, integer(8))
    return made


def _tangles() -> dict[str, bytes]:
    """Few records, many ways through them."""
    laughs = b"]" + put(0) + b"".join(b"](" + get(i) * 10 + b"e" + put(i + 1) for i in range(40))
    weights = (
        b"]("
        + array()
        + b"e"
        + put(0)
        + b"".join(b"](" + get(i) * 10 + b"e" + put(i + 1) for i in range(30))
    )
    mapping = b"}" + b"".join(text(str(i)) + NONE + b"s" for i in range(20_000))
    letters = text("x" * 990) + put(5) + b"0"
    namespace = name("argparse", "Namespace") + put(6) + b"0"
    made = get(6) + b")\x81"
    return {
        "laughs of nothing": laughs + STOP,
        "call of laughs": laughs + NONE + b"R" + b"N\x92.",
        "class of laughs": laughs + NONE + b"\x81" + b"}b.",
        "laughs as a state": proto(2) + laughs + b"0" + link(_params=names("W"), W=get(40)) + STOP,
        "laughs as a name": laughs + text("a") + b"\x93.",
        "laughs of calls": proto(2)
        + name("os", "system")
        + put(0)
        + b"".join(get(i) + tuple_(*[get(i)] * 10) + b"R" + put(i + 1) for i in range(40))
        + integer(1)
        + b"R"
        + STOP,
        "laughs of arrays": proto(2) + weights + STOP,
        "laughs of dictionaries": proto(2)
        + b"}"
        + put(0)
        + b"".join(
            b"}(" + b"".join(integer(k) + get(i) for k in range(10)) + b"u" + put(i + 1)
            for i in range(40)
        )
        + STOP,
        "laughs of tuples": proto(2)
        + NONE
        + b"\x85"
        + put(0)
        + b"".join(tuple_(*[get(i)] * 10) + put(i + 1) for i in range(40))
        + STOP,
        "list in itself": b"]" + put(0) + get(0) + b"a" + array() + b"a.",
        "lists in each other": b"]"
        + put(0)
        + b"]"
        + put(1)
        + get(0)
        + b"a"
        + get(1)
        + b"a"
        + (get(0) + b"a" + get(1) + b"a") * 1000
        + array()
        + b"a.",
        "one text a hundred thousand times": letters + list_(*[get(5)] * MANY) + STOP,
        "one name a hundred thousand times": proto(2)
        + letters
        + link(_params=list_(*[get(5)] * MANY))
        + STOP,
        "one state for all": proto(2)
        + namespace
        + mapping
        + put(7)
        + b"0"
        + list_(*[made + get(7) + b"b"] * 50_000)
        + STOP,
        "two states for all": proto(2)
        + namespace
        + mapping
        + put(7)
        + b"0"
        + list_(*[made + tuple_(get(7), b"}" + text("a") + NONE + b"s") + b"b"] * 20_000)
        + STOP,
        "states without end": proto(2)
        + namespace
        + mapping
        + put(7)
        + b"0"
        + made
        + (get(7) + b"b") * MANY
        + STOP,
        "one argument list for all": proto(2)
        + tuple_(*[NONE] * MANY)
        + put(8)
        + b"0"
        + list_(*[name("os", "system") + get(8) + b"R"] * 20_000)
        + STOP,
        "one dtype for all": proto(2)
        + _nested_dtypes(1)
        + put(9)
        + b"0"
        + list_(*[array(kind=get(9))] * 5_000)
        + STOP,
    }


def _models() -> dict[str, bytes]:
    namespace = proto(2) + name("argparse", "Namespace") + put(0) + b"0"
    made = get(0) + b")\x81"
    registries = text("_params") + b"]" + text("_persistent") + b"]"
    fan = tuple(f"c{k}" for k in range(10))
    fans = namespace + made + put(1) + b"}(" + registries + b"ub0"
    for level in range(1, 13):
        children = b"".join(text(key) + get(level) for key in fan)
        fans += made + b"}(" + registries + text("_children") + names(*fan) + children + b"ub"
        fans += put(level + 1) + b"0"
    itself = namespace + made + put(1) + b"}(" + registries + text("_children") + names("me")
    shared = names(*(f"p{i}" for i in range(20_000))) + put(2) + b"0"
    chain = made + b"}(" + text("_params") + get(2) + text("_persistent") + b"]ub"
    letters = "x" * 900
    long = link(_params=names(*(f"p{i}" for i in range(20_000))))
    for _ in range(50):
        long = link(_children=names(letters), **{letters: long})
    odd = ["\x1b[31mred\x1b[0m", "two\nlines", "\u202eevil", "nul\0", "\x9b2J", "\udc80"]
    return {
        "children that multiply": fans + get(13) + STOP,
        "child that is its parent": itself + text("me") + get(1) + b"ub.",
        "grandchild that is its grandparent": itself
        + text("me")
        + made
        + b"}("
        + registries
        + text("_children")
        + names("me")
        + text("me")
        + get(1)
        + b"ubub.",
        "one registry for all": namespace
        + shared
        + link(_children=list_(*[chain] * 20_000))
        + STOP,
        "long paths": proto(2) + long + STOP,
        "paths of nothing": proto(2)
        + link(_params=names("", "/", "//", "a/", "/a", "a//b", ".", "..", "a", "a"))
        + STOP,
        **{f"name {value!a}": proto(2) + link(_params=names(value)) + STOP for value in odd},
        **{
            f"class {value!a}": proto(2)
            + link(
                name(value.replace("\n", " "), "Net") if "\udc80" not in value else name("m", "N"),
                note=text(value),
                _params=names("W"),
                W=parameter(array()),
            )
            + STOP
            for value in odd
        },
        "registries of numbers": model(array(), _params=list_(integer(1), NONE, b"]")),
        "registries of nothing": model(array(), _params=NONE, _persistent=integer(3)),
        "children of numbers": model(array(), _children=list_(integer(1))),
    }
