"""Runs every pickle of a stream."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainer_ft.errors import FormatError
from chainer_ft.formats.pickled.machine import Machine

_MOST_PICKLES = 1000


def run_all(data: Any, path: str) -> tuple[list[Any], Machine, int]:
    """Every pickle of the stream; the first must be whole.

    Returns:
        tuple: The results, the first machine (with the calls of all), and the bytes behind.
    """
    first = Machine(data, path)
    results = [first.run()]
    position, opcodes = first.position, first.opcodes
    while position < len(data) and len(results) < _MOST_PICKLES:
        machine = Machine(data, path, position, opcodes)
        try:
            results.append(machine.run())
        except FormatError:
            break
        first.calls += machine.calls
        first.fetched |= machine.fetched
        first.remarks += machine.remarks
        first.globals |= machine.globals
        position, opcodes = machine.position, machine.opcodes
    return results, first, len(data) - position


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without the garbage collector, which would go through all records again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
