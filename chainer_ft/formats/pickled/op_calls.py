"""Opcodes that name something, call it or give it a state: records of that, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chainer_ft.errors import FormatError
from chainer_ft.formats.pickled.op_stack import misused
from chainer_ft.formats.pickled.records import Call, Global
from chainer_ft.formats.pickled.strings import short_text

if TYPE_CHECKING:
    from chainer_ft.formats.pickled.machine import Machine

    Operation = Callable[[Machine], None]

_MOST_STATES = 16


def name_global(machine: Machine) -> Global:
    module, name = machine.short_line(), machine.short_line()
    return _named(machine, module.decode("utf-8", "replace"), name.decode("utf-8", "replace"))


def stack_global(machine: Machine) -> None:
    name = short_text(machine.data, machine.stack.pop())
    module = short_text(machine.data, machine.stack.pop())
    if module is None or name is None:
        raise machine.error("a global's name is not a short string")
    machine.stack.append(_named(machine, module, name))


def _named(machine: Machine, module: str, name: str) -> Global:
    if module.endswith("joblib.numpy_pickle"):
        raise FormatError(
            f"{machine.path}: was written by joblib.dump, whose arrays stand between the opcodes "
            "of a pickle; load it with joblib and save it with serializers.save_npz"
        )
    machine.python3 |= module in ("builtins", "copyreg")
    return machine.name(module, name)


def reduce(machine: Machine) -> None:
    args = machine.stack.pop()
    machine.call(machine.stack.pop(), args, "reduce")


def new_object(machine: Machine) -> None:
    args = machine.stack.pop()
    machine.call(machine.stack.pop(), args, "newobj")


def new_object_ex(machine: Machine) -> None:
    named, args = machine.stack.pop(), machine.stack.pop()
    machine.call(machine.stack.pop(), (*args, named) if isinstance(args, tuple) else args, "newobj")


def inst(machine: Machine) -> None:
    func = name_global(machine)
    machine.call(func, tuple(machine.pop_to_mark()), "inst")


def obj(machine: Machine) -> None:
    items = machine.pop_to_mark()
    machine.call(items[0], tuple(items[1:]), "inst")


def build(machine: Machine) -> None:
    state = machine.stack.pop()
    target = machine.stack[-1]
    if not isinstance(target, Call):
        raise misused(machine, "set attributes of", target)
    if len(target.states) == _MOST_STATES:
        raise machine.error("an object is given its attributes too often")
    target.states += (state,)


def extension(code: Callable[[Machine], int]) -> Operation:
    return lambda m: m.call(m.name("copyreg", f"extension {code(m)}"), (), "extension")


def persistent(machine: Machine) -> None:
    raise FormatError(
        f"{machine.path}: names objects that are not in it (persistent ids, as in torch.save's "
        "files); save the model with serializers.save_npz where it can be loaded"
    )
