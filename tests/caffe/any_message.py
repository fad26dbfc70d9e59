"""Strategies that draw messages of any type of the schema."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.schema import Field, MessageType, message_type
from chainer_ft.caffe.schema.tables import INTEGERS

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def values(field: Field) -> st.SearchStrategy[Any]:
    if field.values is not None:
        return st.sampled_from(sorted(field.values))
    if field.is_message:
        return messages(message_type(field.type))
    plain = {
        "bool": st.booleans(),
        "string": TEXT,
        "bytes": st.binary(max_size=8),
        "float": st.floats(width=32, allow_nan=False),
        "double": st.floats(allow_nan=False),
    }
    return plain[field.type] if field.type in plain else st.integers(*INTEGERS[field.type])


def messages(kind: MessageType) -> st.SearchStrategy[Message]:
    """Messages of a type with a few of its fields."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Message:
        names = draw(st.lists(st.sampled_from(sorted(kind.fields)), max_size=4, unique=True))
        names += [f.name for f in kind.fields.values() if f.label == "required"]
        made = Message(kind)
        for name in dict.fromkeys(names):
            field = kind.fields[name]
            many = st.lists(values(field), min_size=1, max_size=3)
            made.set(name, draw(many if field.is_repeated else values(field)))
        return made

    return st.deferred(drawn)


KINDS = ["NetParameter", "SolverParameter", "LayerParameter", "Datum", "BlobProto"]
