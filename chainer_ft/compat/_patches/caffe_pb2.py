"""Caffe's message classes. protobuf 4 and later refuse the code that Chainer generated in 2015.

The old file carries the serialised description of every message, so today's protobuf can
build its own classes from it: nothing of Caffe has to be kept here, and the C implementation
serves. They live in a pool of their own: the default pool would refuse a second
``caffe.proto``, such as pycaffe's.
"""

from __future__ import annotations

import ast
import re
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._probe import protobuf_refuses_old_code

if TYPE_CHECKING:
    from importlib.abc import InspectLoader

_DESCRIPTION = re.compile(r"^\s*serialized_pb=_b\(('.*')\)\s*$", re.MULTILINE)


def description(source: str) -> bytes:
    """The serialised ``FileDescriptorProto`` in the text of a generated module."""
    match = _DESCRIPTION.search(source)
    if match is None:
        raise ValueError("the generated module has no line `serialized_pb=_b('...')`")
    return cast(str, ast.literal_eval(match[1])).encode("latin1")


def _build(module: ModuleType) -> None:
    from google.protobuf import descriptor_pool

    assert module.__spec__ is not None
    loader = cast("InspectLoader", module.__spec__.loader)
    source = loader.get_source(module.__name__)
    if source is None:
        raise ValueError(f"{module.__name__} has no source to take the messages from")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(description(source))
    _fill(module, pool.FindFileByName("caffe.proto"))


def _fill(module: ModuleType, file: Any) -> None:
    """Give the module what the generated code would have given it."""
    from google.protobuf import message_factory
    from google.protobuf.internal import enum_type_wrapper

    names: dict[str, Any] = {"DESCRIPTOR": file}
    for name, message in file.message_types_by_name.items():
        names[name] = message_factory.GetMessageClass(message)
        names[name].__module__ = module.__name__
    for name, enum in file.enum_types_by_name.items():
        names[name] = enum_type_wrapper.EnumTypeWrapper(enum)
        names.update({value.name: value.number for value in enum.values})
    vars(module).update(names)


PATCHES = (
    Patch(
        name="caffe-pb2",
        module="chainer.links.caffe.protobuf3.caffe_pb2",
        where="chainer/links/caffe/protobuf3/caffe_pb2.py:33",
        reason="protobuf 4 refuses the generated code (`Descriptors cannot be created directly`): "
        "chainer.links.caffe cannot be imported.",
        needed=protobuf_refuses_old_code,
        apply=_build,
        when="instead",
    ),
)
