"""Scalars of the text format: strings, numbers, booleans, enums."""

from __future__ import annotations

import re
from typing import Any

from chainer_ft.caffe.schema import Field
from chainer_ft.caffe.schema.tables import FLOATS, INTEGERS, float32
from chainer_ft.caffe.text_tokens import TextPlace, Token
from chainer_ft.select import nearest

_ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|[xX](?P<hex>[0-9a-fA-F]{1,2})"
    r"|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|(?P<char>.))",
    re.DOTALL,
)
_CHARACTERS = dict(zip("abfnrtv\\?'\"", "\a\b\f\n\r\t\v\\?'\"", strict=True))
_BOOLEANS = {"true": True, "True": True, "t": True, "false": False, "False": False, "f": False}


def scalar(field: Field, words: list[Token]) -> Any:
    """The value of a scalar field.

    Args:
        field: The field.
        words: Its tokens: one, or a minus sign and one, or adjacent strings.

    Raises:
        PrototxtError: The field cannot have this value.
    """
    first = words[0]
    if field.type in ("string", "bytes"):
        return _string(field, words)
    if first.kind == "string":
        raise first.place.error(
            f"{field.name} is {_article(field)}, not a string; remove the quotes"
        )
    if field.values is not None:
        return _enum(field, words)
    if field.type == "bool":
        return _boolean(field, words)
    return _float(field, words) if field.type in FLOATS else _integer(field, words)


def _article(field: Field) -> str:
    kind = "number" if field.type in FLOATS or field.type in INTEGERS else field.type
    return f"one of {', '.join(field.values)}" if field.values is not None else f"a {kind}"


def _string(field: Field, words: list[Token]) -> str | bytes:
    first = words[0]
    if first.kind != "string":
        raise first.place.error(f'{field.name} is a string: write {field.name}: "{first.text}"')
    value = b"".join(unescape(word) for word in words)
    if field.type == "bytes":
        return value
    return value.decode("utf-8", "surrogateescape")


def unescape(word: Token) -> bytes:
    """The bytes that a string token means, by C's escapes."""

    def plain(match: re.Match[str]) -> str:
        found = match.groupdict()
        if found["octal"] or found["hex"]:
            code = int(found["octal"], 8) if found["octal"] else int(found["hex"], 16)
            return bytes([code & 0xFF]).decode("utf-8", "surrogateescape")
        if found["u"] or found["U"]:
            return _character(int(found["u"] or found["U"], 16), word.place)
        if found["char"] not in _CHARACTERS:
            raise word.place.error(f"the escape {match.group()!r} has no meaning in a string")
        return _CHARACTERS[found["char"]]

    return _ESCAPE.sub(plain, word.text[1:-1]).encode("utf-8", "surrogateescape")


def _character(code: int, place: TextPlace) -> str:
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise place.error(f"there is no character of the number {code:#x}")
    return chr(code)


def _enum(field: Field, words: list[Token]) -> str:
    values = field.values or {}
    word = words[-1]
    if word.kind == "name" and len(words) == 1 and word.text in values:
        return word.text
    if word.kind == "integer":
        number = _number(words)
        named = [name for name, value in values.items() if value == number]
        if named:
            return named[0]
    written = "".join(w.text for w in words)
    raise words[0].place.error(f"{field.name} cannot be {written!r}; {nearest(written, values)}")


def _boolean(field: Field, words: list[Token]) -> bool:
    word = words[-1]
    if len(words) == 1 and word.kind == "name" and word.text in _BOOLEANS:
        return _BOOLEANS[word.text]
    if len(words) == 1 and word.kind == "integer" and _number(words) in (0, 1):
        return bool(_number(words))
    written = "".join(w.text for w in words)
    raise words[0].place.error(f"{field.name} is true or false, not {written!r}")


def _integer(field: Field, words: list[Token]) -> int:
    written = "".join(w.text for w in words)
    if words[-1].kind != "integer":
        raise words[0].place.error(f"{field.name} is a whole number, not {written!r}")
    low, high = INTEGERS[field.type]
    value = _number(words)
    if len(words) > 1 and low == 0:
        raise words[0].place.error(f"{field.name} cannot be negative, but is {written}")
    if not low <= value <= high:
        raise words[0].place.error(f"{field.name} is {written}, beyond {low} to {high}")
    return value


def _number(words: list[Token]) -> int:
    """Decimal, ``0x`` hexadecimal, or octal with a leading zero."""
    digits = words[-1].text
    if len(digits) > 400:  # no field holds it, and Python limits what it turns into a number
        raise words[0].place.error("a number of more than 400 digits")
    if digits[:2] in ("0x", "0X"):
        value = int(digits, 16)
    elif digits[0] == "0" and len(digits) > 1:
        if re.search("[89]", digits):
            raise words[0].place.error(f"a leading zero makes {digits} octal, but it has an 8 or 9")
        value = int(digits, 8)
    else:
        value = int(digits)
    return -value if len(words) > 1 else value


def _float(field: Field, words: list[Token]) -> float:
    word = words[-1]
    written = "".join(w.text for w in words)
    if word.kind == "integer":
        if re.match("0[0-9xX]", word.text):
            raise words[0].place.error(f"{field.name} is a decimal number, not {written!r}")
        value = float(word.text)
    elif word.kind == "float" or word.text.lower() in ("inf", "infinity", "nan"):
        value = float(word.text.rstrip("fF") if word.kind == "float" else word.text)
    else:
        raise words[0].place.error(f"{field.name} is a number, not {written!r}")
    value = -value if len(words) > 1 else value
    return float32(value) if field.type == "float" else value


def plain(words: list[Token]) -> Any:
    """The value of a field that the schema does not have: a string, a number or a bare name."""
    word = words[-1]
    if word.kind == "string":
        return b"".join(map(unescape, words)).decode("utf-8", "surrogateescape")
    if word.kind == "integer":
        return _number(words)
    sign = -1.0 if len(words) > 1 else 1.0
    return sign * float(word.text.rstrip("fF")) if word.kind == "float" else word.text
