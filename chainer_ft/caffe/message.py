"""A message of Caffe's: the values of its fields, and where each was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from chainer_ft.caffe.schema import Field, MessageType, message_type
from chainer_ft.select import nearest


class Place(Protocol):
    """Where something was written; its ``str`` is for messages."""

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class Unknown:
    """A field that the schema does not have.

    Args:
        name: As written; the number, in a binary file.
        value: In a text: the string, number or bare name, or a list of ``Unknown``, the fields of
            a message. In a binary file: the number, or the bytes.
        place: Where.
    """

    name: str
    value: Any
    place: Place


class Message:
    """The fields of one message; an unset field reads as its default.

    Values are what Python has for them: enums are strings, repeated fields are lists (packed
    floats of a binary file: arrays), an unset message reads as an empty one.

    Args:
        kind: Name of the message, ``"LayerParameter"``, or its type.
        place: Where it begins.
        values: The first values of fields.

    Attributes:
        unknown: Fields that the schema does not have.

    Example:
        >>> layer = Message("LayerParameter", name="conv1", bottom=["data"])
        >>> layer.name, layer.bottom, layer.top, layer.has("type")
        ('conv1', ['data'], [], False)
        >>> layer.convolution_param.group
        1
    """

    def __init__(
        self, kind: str | MessageType, place: Place = "(made here)", **values: Any
    ) -> None:
        self._type = message_type(kind) if isinstance(kind, str) else kind
        self._place = place
        self._values: dict[str, Any] = {}
        self._places: dict[str, list[Place]] = {}
        self.unknown: list[Unknown] = []
        for name, value in values.items():
            self.set(name, value)

    @property
    def kind(self) -> MessageType:
        """Its type."""
        return self._type

    @property
    def place(self) -> Place:
        """Where it begins."""
        return self._place

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        field = self._field(name)
        if name in self._values:
            return self._values[name]
        if field.is_repeated:
            return []
        return Message(field.type, self._place) if field.is_message else field.default

    def _field(self, name: str) -> Field:
        field = self._type.fields.get(name)
        if field is None:
            known = nearest(name, self._type.fields)
            raise AttributeError(f"{self._type.name} has no field {name!r}; {known}")
        return field

    def has(self, name: str) -> bool:
        """Whether a field is set; a repeated one: whether it has elements."""
        is_repeated = self._field(name).is_repeated
        return name in self._values and (not is_repeated or len(self._values[name]) > 0)

    def where(self, name: str | None = None, index: int = 0) -> str:
        """Where a field was written, ``file:line:column``, or where the message begins."""
        places = self._places.get(name or "", [])
        return str(places[min(index, len(places) - 1)] if places else self._place)

    def set(self, name: str, value: Any, place: Place | None = None) -> None:
        """Set a field; a repeated one to all its elements."""
        field = self._field(name)
        self._values[name] = list(value) if field.is_repeated and _is_plain(value) else value
        if place is not None:
            self._places[name] = [place]

    def add(self, name: str, value: Any, place: Place | None = None) -> None:
        """Append to a repeated field."""
        self._field(name)
        self._values.setdefault(name, []).append(value)
        if place is not None:
            self._places.setdefault(name, []).append(place)

    def clear(self, *names: str) -> None:
        """Unset fields."""
        for name in names:
            self._values.pop(name, None)
            self._places.pop(name, None)

    def take(self, other: Message, name: str, new_name: str = "") -> None:
        """Set a field as another message has it, place included."""
        self.set(new_name or name, other._values[name])
        self._places[new_name or name] = other._places.get(name, [other._place])

    def set_fields(self) -> Iterator[Field]:
        """The fields that are set, in order of their numbers."""
        return (field for name, field in self._type.fields.items() if self.has(name))

    def copy(self) -> Message:
        """A message of its own with the same values; arrays are not copied."""
        made = Message(self._type, self._place)
        made.unknown = list(self.unknown)
        made._places = {name: list(places) for name, places in self._places.items()}
        for field in self._type.fields.values():
            if field.name in self._values:
                made._values[field.name] = _copied(self._values[field.name])
        return made

    def merge(self, other: Message) -> None:
        """Take over what another message of the type sets, as protobuf merges.

        Scalars are overwritten, repeated fields appended to, messages merged.
        """
        for field in other.set_fields():
            value = _copied(other._values[field.name])
            if field.is_repeated:
                self.set(field.name, [*self.__getattr__(field.name), *value])
            elif field.is_message and self.has(field.name):
                self._values[field.name].merge(value)
                continue
            else:
                self.set(field.name, value)
            places = other._places.get(field.name, [other._place])
            kept = self._places.get(field.name, []) if field.is_repeated else []
            self._places[field.name] = [*kept, *places]
        self.unknown += other.unknown

    def __eq__(self, other: object) -> bool:
        """Equal values, wherever they were written; lists and arrays of equal numbers are equal."""
        if not isinstance(other, Message) or self._type.name != other._type.name:
            return NotImplemented if not isinstance(other, Message) else False
        names = [field.name for field in self.set_fields()]
        if names != [field.name for field in other.set_fields()]:
            return False
        return all(_equal(self._values[name], other._values[name]) for name in names)

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        inside = ", ".join(f"{f.name}={self._values[f.name]!r}" for f in self.set_fields())
        return f"{self._type.name}({inside})"


def _is_plain(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _copied(value: Any) -> Any:
    if isinstance(value, Message):
        return value.copy()
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, (Message, str, bytes, bool)):
        return bool(one == other)
    if hasattr(one, "__len__"):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other or (one != one and other != other))
