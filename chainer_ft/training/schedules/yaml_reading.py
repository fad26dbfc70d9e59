"""A schedule in a YAML file; what is wrong in it is told with its line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from chainer_ft.errors import FormatError, RuleError, ScheduleError, UsageError
from chainer_ft.formats.unopened import advice
from chainer_ft.select import Predicate, nearest
from chainer_ft.training.lengths import length
from chainer_ft.training.schedules.conditions import EarlyStopping
from chainer_ft.training.schedules.phase import Phase, selection
from chainer_ft.training.schedules.phases import Schedule

_PHASE = ("name", "length", "freeze", "lr", "decay", "until", "statistics", "dropout")
_UNTIL = ("monitor", "patience", "mode", "check", "target", "restore_best")


def yaml_module() -> Any:
    """PyYAML.

    Raises:
        UsageError: It is not installed; says what to type.
    """
    try:
        import yaml
    except ImportError as error:
        raise UsageError("YAML needs PyYAML: pip install 'chainer-ft[train]'") from error
    return yaml


def load(path: str | os.PathLike[str]) -> list[Phase]:
    """The phases in a YAML file; see :meth:`Schedule.load`."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, ValueError) as error:
        name, reason = os.fspath(path), getattr(error, "strerror", None) or error
        raise FormatError(f"{name}: cannot be read: {reason}{advice(name, error)}") from error
    return read(text, os.fspath(path))


def read(text: str, origin: str = "schedule") -> list[Phase]:
    """The phases in a text.

    Args:
        text: YAML.
        origin: What to call it in messages.

    Raises:
        ScheduleError: It is no schedule; names the line and the nearest known key.

    Example:
        >>> read("phases:\\n  - lenght: 1 epoch")
        Traceback (most recent call last):
        chainer_ft.errors.ScheduleError: schedule, line 2: unknown key 'lenght'; nearest: ...
    """
    yaml = yaml_module()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ScheduleError(f"{origin}{_yaml_problem(error)}") from error
    if root is None:
        raise ScheduleError(f"{origin}: is empty; `chainer-ft schedule MODEL` drafts a schedule")
    reader = _Reader(origin)
    phases = reader.mapping(root, ("phases",)).get("phases")
    if phases is None:
        raise ScheduleError(f"{origin}, line {_line(root)}: there is no list `phases:`")
    found = [reader.phase(node) for node in reader.items(phases, "phases")]
    reader.at(phases, Schedule, found)
    return found


def _yaml_problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = "" if mark is None else f", line {mark.line + 1}"
    problem = getattr(error, "problem", None) or str(error) or "nested too deep"
    context = getattr(error, "context", None) or ""
    alias = "; quote what begins with *" if "alias" in problem + context else ""
    return f"{where}: is no YAML: {problem}{alias}"


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


@dataclass(frozen=True)
class _Reader:
    """Turns YAML nodes, which know their lines, into phases."""

    origin: str
    places: dict[Predicate, str] = field(default_factory=dict)

    def phase(self, node: Any) -> Phase:
        keys = self.mapping(node, _PHASE)
        own = _Reader(self.origin)
        values: dict[str, Any] = {"place": self.place(node), "places": own.places}
        for key, value in keys.items():
            values[key] = getattr(own, f"_{key}", own.text)(value)
        return self.at(node, lambda: Phase(**values))  # type: ignore[no-any-return]

    def _length(self, node: Any) -> Any:
        return self.at(node, length, self.text(node))

    def _freeze(self, node: Any) -> list[Any]:
        nodes = self.items(node, "freeze") if node.id == "sequence" else [node]
        return [self.selection(one) for one in nodes]

    def _lr(self, node: Any) -> Any:
        if node.id != "mapping":
            return self.number(node)
        return {self.selection(k): self.number(v) for k, v in self.pairs(node)}

    _decay = _lr

    def _until(self, node: Any) -> EarlyStopping:
        keys = self.mapping(node, _UNTIL)
        values: dict[str, Any] = {}
        for key, value in keys.items():
            if key in ("patience", "target"):
                values[key] = self.number(value)
            elif key == "restore_best":
                values[key] = self.truth(value)
            else:
                values[key] = self.text(value)
        return self.at(node, lambda: EarlyStopping(**values))  # type: ignore[no-any-return]

    def at(self, node: Any, make: Callable[..., Any], *args: Any) -> Any:
        """What a function makes; what it objects to is told with the line."""
        try:
            return make(*args)
        except (ScheduleError, RuleError) as error:
            raise self._error(node, str(error)) from error

    def selection(self, node: Any) -> Any:
        found = self.at(node, selection, self.text(node))
        self.places.setdefault(found, self.place(node))
        return found

    def pairs(self, node: Any) -> Iterable[tuple[Any, Any]]:
        seen: dict[str, int] = {}
        for key, value in node.value:
            name = self.text(key)
            if name in seen:
                raise self._error(key, f"{name!r} stands here and in line {seen[name]}")
            seen[name] = _line(key)
            yield key, value

    def mapping(self, node: Any, known: tuple[str, ...]) -> dict[str, Any]:
        if node.id != "mapping":
            raise self._error(node, f"here stand keys, {known[0]}: say")
        found = {}
        for key, value in self.pairs(node):
            if key.value not in known:
                near = nearest(key.value, known)
                raise self._error(key, f"unknown key {key.value!r}; {near}")
            found[key.value] = value
        return found

    def items(self, node: Any, what: str) -> list[Any]:
        if node.id != "sequence":
            raise self._error(node, f"{what} is a list; begin each item with a dash")
        return list(node.value)

    def text(self, node: Any) -> str:
        """The words as they stand there: ``on`` and ``off`` are no truth values."""
        if node.id != "scalar" or node.tag.endswith(":null"):
            raise self._error(node, "a word or number is missing here")
        return str(node.value)

    def number(self, node: Any) -> Any:
        text = self.text(node)
        try:
            return int(text) if text.isdecimal() else float(text)
        except ValueError as error:
            raise self._error(node, f"{text!r} is no number") from error

    def truth(self, node: Any) -> bool:
        if not node.tag.endswith(":bool"):
            raise self._error(node, f"{self.text(node)!r} is neither true nor false")
        return bool(self.text(node).lower() in ("true", "yes", "on"))

    def _error(self, node: Any, problem: str) -> ScheduleError:
        return ScheduleError(f"{self.place(node)}: {problem}")

    def place(self, node: Any) -> str:
        return f"{self.origin}, line {_line(node)}"
