"""Ways to spoil a file, each from one random generator, so that a number names the case."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable, Sequence

import numpy as np

Mutation = Callable[[bytes, np.random.Generator], bytes]
_SIZES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_LONG = (*_SIZES, 1 << 40, (1 << 62) - 1, 1 << 62, 1 << 63, (1 << 64) - 1)
# Fields of the three records of a zip: offset and width.
_ZIP_FIELDS = {
    b"PK\x03\x04": [(4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)],
    b"PK\x01\x02": [
        *[(6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4)],
        *[(28, 2), (30, 2), (32, 2), (34, 2), (38, 4), (42, 4)],
    ],
    b"PK\x05\x06": [(4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)],
}
_SHAPES = (
    "(99999999999999999999,)", "(4611686018427387904, 4)", "(-1,)", "(2, -3)", "(1e3,)", "(0x7f,)",
    "((1, 2), 3)", "[2, 3]", "7", "(True,)", "(" + "1, " * 70 + ")", "(" + "(" * 300 + ")" * 301,
    "(0, 4611686018427387904)", "(65536, 65536, 65536, 65536)", "(" + "9" * 5000 + ",)", "None",
    "(0x" + "f" * 8000 + ",)", "(2L, 3L)", "-" * 9000 + "1", "(1,)" * 2000,
)  # fmt: skip
_DESCRS = (
    "'f4,(2000000000,)i4'", "'(3,)f4'", "'O'", "'|O8'", "[('a', '<f4'), ('b', '|O')]", "'V0'",
    "'U0'", "[]", "[('a', '<f4', (2000000000,))]", "{'names': ['a'], 'formats': ['f4']}", "'f'",
    "7", "'<f4'*9", "'S2000000000'", "'V99999999999'", "'>f4'", "'<i4'", "'M8[ns]'", "'T'", "None",
    "('f4', 2)", "[('a', [('b', [('c', '|O')])])]", "'<f16'", "'i4, i4'", "__import__('os')",
)  # fmt: skip


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    """End early."""
    return data[: rng.integers(len(data))]


def flip_bit(data: bytes, rng: np.random.Generator) -> bytes:
    spoilt = bytearray(data)
    spoilt[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return bytes(spoilt)


def set_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes anew."""
    spoilt = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        spoilt[rng.integers(len(data))] = rng.integers(256)
    return bytes(spoilt)


def hostile_number(data: bytes, rng: np.random.Generator) -> bytes:
    """A huge or odd number of 1 to 8 bytes anywhere."""
    width = int(rng.choice([1, 2, 4, 8]))
    at = int(rng.integers(max(len(data) - width, 1)))
    number = int(_LONG[rng.integers(len(_LONG))]) & ((1 << 8 * width) - 1)
    return data[:at] + number.to_bytes(width, "little") + data[at + width :]


def move(data: bytes, rng: np.random.Generator) -> bytes:
    """Copy a part over another, drop one, or put one in twice."""
    a, b = sorted(int(n) for n in rng.integers(len(data), size=2))
    b = min(b, a + 200)
    at = int(rng.integers(len(data)))
    ways = (data[:a] + data[b:], data[:at] + data[a:b] + data[at:])
    over = data[:at] + data[a:b] + data[at + b - a :]
    return (*ways, over)[rng.integers(3)]


def splice(other: bytes) -> Mutation:
    """The beginning of one file, the end of another."""

    def spliced(data: bytes, rng: np.random.Generator) -> bytes:
        return data[: rng.integers(len(data))] + other[rng.integers(len(other)) :]

    return spliced


def zip_field(data: bytes, rng: np.random.Generator) -> bytes:
    """A hostile number in a field of a zip's records."""
    places = [
        (match.start() + offset, width)
        for magic, fields in _ZIP_FIELDS.items()
        for match in re.finditer(re.escape(magic), data)
        for offset, width in fields
    ]
    at, width = places[rng.integers(len(places))]
    old = int.from_bytes(data[at : at + width], "little")
    near = (old + 1, old - 1, old * 2, old + 46, old + 30, len(data), old ^ 1, old ^ 8)
    number = int((*_SIZES, *near)[rng.integers(len(_SIZES) + len(near))]) % (1 << 8 * width)
    return data[:at] + number.to_bytes(width, "little") + data[at + width :]


def npy_header(data: bytes, rng: np.random.Generator) -> bytes:
    """A hostile header in one array of a zip whose checksums are right."""
    names, contents = _unzipped(data)
    arrays = [i for i, name in enumerate(names) if name.endswith(".npy")]
    i = arrays[rng.integers(len(arrays))]
    contents[i] = _new_header(contents[i], rng)
    return zipped(names, contents, compress=bool(rng.integers(2)))


def npy_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Random damage to one member of a zip whose checksums are right."""
    names, contents = _unzipped(data)
    i = int(rng.integers(len(names)))
    ways: Sequence[Mutation] = (cut, flip_bit, set_bytes, hostile_number, move)
    head, tail = contents[i][:130], contents[i][130:]
    contents[i] = ways[rng.integers(len(ways))](head, rng) + tail
    return zipped(names, contents, compress=False)


def _new_header(content: bytes, rng: np.random.Generator) -> bytes:
    length = 10 + struct.unpack_from("<H", content, 8)[0]
    text = content[10:length].decode("latin-1")
    if rng.integers(2):
        text = re.sub(r"\([^)]*\)", lambda _: str(rng.choice(_SHAPES)), text, count=1)
    if rng.integers(2):
        text = re.sub(r"'descr': '[^']*'", lambda _: f"'descr': {rng.choice(_DESCRS)}", text)
    if rng.integers(8) == 0:
        text = str(rng.choice(["{" * 500, "", "{}", "[", "1" * 6000, "'a'", "{'descr': '<f4'}"]))
    raw = text.encode("latin-1")
    version = int(rng.choice([1, 1, 1, 2, 3, 4]))
    size = struct.pack("<H", len(raw)) if version == 1 else struct.pack("<I", len(raw))
    return b"\x93NUMPY" + bytes([version, 0]) + size + raw + content[length:]


def _unzipped(data: bytes) -> tuple[list[str], list[bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.namelist(), [archive.read(name) for name in archive.namelist()]


def zipped(names: Sequence[str], contents: Sequence[bytes], compress: bool = False) -> bytes:
    """A zip of these members, its checksums right."""
    out = io.BytesIO()
    with zipfile.ZipFile(
        out, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    ) as made:
        for name, content in zip(names, contents, strict=True):
            made.writestr(name, content)
    return out.getvalue()
