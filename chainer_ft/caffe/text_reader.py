"""Reads the text format into messages. Pure."""

from __future__ import annotations

from typing import Any

from chainer_ft.caffe.message import Message, Unknown
from chainer_ft.caffe.schema import Field, MessageType, message_type
from chainer_ft.caffe.text_tokens import PrototxtError, Text, TextPlace, Token, tokens
from chainer_ft.caffe.text_values import plain, scalar
from chainer_ft.select import nearest

_CLOSING = {"{": "}", "<": ">"}
_DEEPEST = 100
#: What is in a layer is judged when the layer is built: another phase, or a plugin, may know it.
_LAYERS = ("LayerParameter", "V1LayerParameter", "V0LayerParameter")
#: What is given in the place of another, and what to say of it.
_MIXED_UP = {
    "SolverParameter": ("NetParameter", "this is a net; name the solver that trains it"),
    "NetParameter": ("SolverParameter", "this is a solver; name the net that it trains"),
}
_STRICT = ("NetStateRule",)  # decides which layers there are


def read_text(content: str, kind: str, name: str = "<text>") -> Message:
    """Read a message in the text format.

    Args:
        content: The text. A byte order mark at its start is skipped.
        kind: Name of the message, ``"NetParameter"``.
        name: Of the file, for messages.

    Returns:
        Message: Its fields. Unknown fields inside layers are kept in ``unknown``.

    Raises:
        PrototxtError: With file, line, column, and the nearest known field or value.

    Example:
        >>> read_text('base_lr: 0.5 type: "Adam"', "SolverParameter").base_lr
        0.5
        >>> read_text("base_rl: 1", "SolverParameter", "solver.prototxt")
        Traceback (most recent call last):
            ...
        chainer_ft.caffe.text_tokens.PrototxtError: solver.prototxt:1:1: SolverParameter has no
        field 'base_rl'; nearest: base_lr...
    """
    return _Reader(Text(name, content.removeprefix("\ufeff"))).whole(message_type(kind))


class _Reader:
    def __init__(self, text: Text) -> None:
        self._tokens = list(tokens(text))
        self._at = 0
        self._depth = 0

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._now
        self._at += token.kind != "end"
        return token

    def _has(self, symbol: str) -> bool:
        found = self._now.kind == "symbol" and self._now.text == symbol
        self._at += found
        return found

    def whole(self, kind: MessageType) -> Message:
        return self._fields(Message(kind, self._now.place), "", lenient=False)

    def _fields(self, message: Message, closing: str, lenient: bool) -> Message:
        opened = self._now.place
        while not (self._has(closing) if closing else self._now.kind == "end"):
            if self._now.kind == "end":
                raise opened.error(
                    f"this {message.kind.name} is not closed; {closing!r} is missing"
                )
            self._one(message, lenient)
        _check_required(message)
        return message

    def _one(self, message: Message, lenient: bool) -> None:
        """One field: its name, and what follows."""
        name = self._next()
        if name.kind != "name":
            raise name.place.error(f"the name of a field is expected, not {name.shown}")
        field = message.kind.fields.get(name.text)
        if field is None:
            if not lenient:
                raise _no_field(name, message)
            message.unknown.append(Unknown(name.text, self._unknown_value(), name.place))
        else:
            _check_single(field, message, name.place)
            self._known(message, field, name.place, lenient)
        if not self._has(";"):
            self._has(",")

    def _known(self, message: Message, field: Field, place: TextPlace, lenient: bool) -> None:
        has_colon = self._has(":")
        if not (field.is_repeated and self._has("[")):
            self._put(message, field, self._value(field, has_colon, lenient), place)
            return
        if self._has("]"):
            return
        while True:
            self._put(message, field, self._value(field, has_colon, lenient), place)
            if self._has("]"):
                return
            if not self._has(","):
                raise self._now.place.error(f"',' or ']' is expected, not {self._now.shown}")

    def _put(self, message: Message, field: Field, value: Any, place: TextPlace) -> None:
        (message.add if field.is_repeated else message.set)(field.name, value, place)

    def _value(self, field: Field, has_colon: bool, lenient: bool) -> Any:
        if not field.is_message:
            if not has_colon:
                raise self._now.place.error(f"':' is missing after {field.name}")
            return scalar(field, self._words(field.name))
        place = self._now.place
        if not (self._has("{") or self._has("<")):
            raise place.error(f"{field.name} is a message: '{{' is expected, not {self._now.shown}")
        closing = _CLOSING[self._tokens[self._at - 1].text]
        lenient = (lenient or field.type in _LAYERS) and field.type not in _STRICT
        return self._fields(Message(field.type, place), closing, lenient)

    def _words(self, name: str) -> list[Token]:
        """The tokens of one scalar."""
        minus = self._now
        words = [minus] if self._has("-") else []
        if self._now.kind in ("end", "symbol"):
            raise self._now.place.error(f"a value of {name} is expected, not {self._now.shown}")
        words.append(self._next())
        while words[-1].kind == self._now.kind == "string":
            words.append(self._next())
        return words

    def _unknown_value(self) -> Any:
        has_colon = self._has(":")
        if self._has("["):
            return self._unknown_list()
        if self._has("{") or self._has("<"):
            return self._unknown_fields(_CLOSING[self._tokens[self._at - 1].text])
        if not has_colon:
            raise self._now.place.error(f"':' or '{{' is expected, not {self._now.shown}")
        return plain(self._words("this field"))

    def _unknown_list(self) -> list[Any]:
        values: list[Any] = []
        while not self._has("]"):
            if values and not self._has(","):
                raise self._now.place.error(f"',' or ']' is expected, not {self._now.shown}")
            values.append(plain(self._words("this list")))
        return values

    def _unknown_fields(self, closing: str) -> list[Unknown]:
        opened, found = self._now.place, []
        self._depth += 1
        if self._depth > _DEEPEST:
            raise opened.error(f"messages in messages, more than {_DEEPEST} deep")
        while not self._has(closing):
            name = self._next()
            if name.kind != "name":
                raise name.place.error(f"the name of a field is expected, not {name.shown}")
            found.append(Unknown(name.text, self._unknown_value(), name.place))
            if not self._has(";"):
                self._has(",")
        self._depth -= 1
        return found


def _no_field(name: Token, message: Message) -> PrototxtError:
    kind = message.kind.name
    hint = nearest(name.text, message.kind.fields)
    other, said = _MIXED_UP.get(kind, ("", ""))
    if other and name.text in message_type(other).fields:
        hint = f"{other} has: {said}"
    return name.place.error(f"{kind} has no field {name.text!r}; {hint}")


def _check_single(field: Field, message: Message, place: TextPlace) -> None:
    if not field.is_repeated and message.has(field.name):
        first = message.where(field.name)
        raise place.error(f"{field.name} is given twice, first at {first}; remove one")


def _check_required(message: Message) -> None:
    for field in message.kind.fields.values():
        if field.label == "required" and not message.has(field.name):
            place = message.where()
            raise PrototxtError(f"{place}: {message.kind.name} needs {field.name}; add it")
