"""What a person wants to know of a lost model."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import Any

from chainer_ft.formats.pickled.links import LinkRecord, Links
from chainer_ft.formats.pickled.machine import Machine
from chainer_ft.formats.pickled.records import Bag, Call, Global

_BOOKKEEPING = re.compile(
    r"__.*|_params|_persistent|_children|_cpu|_device_id|name|_device|_layers|_volatile"
    r"|_uninitialized_params|_within_init_scope|_Link__init_done|_overridden_to_methods"
    r"|_local_link_hooks"
)
#: What pickles of models name without harm. Whole packages would not do: NumPy and Chainer hold
#: functions that run what they are given.
_ORDINARY = re.compile(
    r"numpy\.(core|_core)\.(multiarray\.(_reconstruct|scalar)|numeric\._frombuffer)"
    r"|numpy\.(dtype|ndarray|recarray|record|matrix|u?int\d+|float\d+|bool_?|number)"
    r"|numpy\.(matrixlib\.)?defmatrix\.matrix|numpy\.ma\.core\.\w+"
    r"|cupy\.(core\.core|_core\.core|creation\.from_data)\.(array|ndarray|_ndarray_from_numpy)"
    r"|cupy\.cuda\.device\.\w+|chainerx(\._device)?\.(ndarray|_recover_device)"
    r"|chainer(mn)?\.(links|functions|function|initializers?|optimizers?|optimizer_hooks|flag"
    r"|variable|link|sequential|function_set|backends|_backend|distributions|function_hooks)"
    r"(\._?[a-z]\w*)*\._?[A-Z]\w*|chainer\.functions\.\w+(\.\w+\.\w+)?|chainer\.[A-Z]\w*"
    r"|chainer\.variable\.(_create_variable|_recover_parameter)|chainer\.cuda\._reconstruct"
    r"|collections\.(OrderedDict|defaultdict|deque|Counter)|_codecs\.encode"
    r"|copy_?reg\.(_reconstructor|__newobj__)"
    r"|(__builtin__|builtins)\.(set|frozenset|bytes|bytearray|object|complex|list|dict|tuple|slice)"
)
_MOST_LINES, _MOST_ATTRIBUTES, _WIDEST = 400, 200, 60


def printable(text: str, limit: int = 200) -> str:
    """A text from the file, cut and escaped so that a terminal only shows it."""
    short = text if len(text) <= limit else text[: limit - 3] + "..."
    return short if short.isprintable() else ascii(short)[1:-1]


def details(
    links: Links, roots: list[tuple[tuple[str, ...], LinkRecord]], machine: Machine
) -> tuple[str, ...]:
    """The tree of links with their classes and attributes, and who wrote it.

    Args:
        links: Looks at the records as links.
        roots: The models and the ways to them.
        machine: What ran the stream.
    """
    tree = _Tree(links)
    for way, root in roots:
        tree.add("/" + "/".join(way), root, 0)
    if tree.lines:
        tree.lines.append(f"written by {_generation(roots[0][1])}, {_python(machine)}")
    return tuple(tree.lines)


class _Tree:
    """Lines for links, each link described once and few enough to read."""

    def __init__(self, links: Links) -> None:
        self.links, self.texts = links, links.texts
        self.lines: list[str] = []
        self._described: dict[Call, str] = {}

    def add(self, name: str, link: LinkRecord, depth: int) -> None:
        """A link and what is below; walking it has shown that it is not inside itself."""
        if len(self.lines) >= _MOST_LINES:
            self.lines[_MOST_LINES:] = ["..."]
            return
        if link.call not in self._described:
            self._described[link.call] = self._description(link)
        self.lines.append(f"{'  ' * depth}{printable(name)}  {self._described[link.call]}")
        for child_name, child in self.links.children(link)[:_MOST_LINES]:
            self.add(child_name, child, depth + 1)

    def _description(self, link: LinkRecord) -> str:
        """Numbers, short texts and small tuples of them; what is registered stands elsewhere."""
        hidden = {*self._registered(link, "_params"), *self._registered(link, "_persistent")}
        found = []
        for name, value in islice(link.state.items(), _MOST_ATTRIBUTES):
            text = None if name in hidden else self._plain(value)
            if text is not None and not _BOOKKEEPING.fullmatch(name):
                found.append(f"{printable(name, _WIDEST)}={text}")
        return f"{printable(link.class_name)}({', '.join(found[:30])})"

    def _registered(self, link: LinkRecord, registry: str) -> list[str]:
        return self.texts.names(link.state.get(registry))[:_MOST_ATTRIBUTES]

    def _plain(self, value: Any, depth: int = 0) -> str | None:
        if value is None or isinstance(value, (bool, int, float)):
            return repr(value)
        text = self.texts.text(value)
        if text is not None:
            return ascii(text[:_WIDEST]) if not text.isprintable() else repr(text[:_WIDEST])
        if isinstance(value, (tuple, list)) and len(value) <= 8 and depth < 2:
            parts = [self._plain(item, depth + 1) for item in value]
            return None if None in parts else f"({', '.join(map(str, parts))})"
        return printable(value.full, _WIDEST) if isinstance(value, Global) else None


def _generation(root: LinkRecord) -> str:
    """The Chainer that wrote it, as the attributes of its links give it away."""
    state = root.state
    if root.is_function_set:
        return "Chainer 1.0 to 1.4"
    calls = [value for value in state.values() if isinstance(value, Call)]
    arguments = {len(c.args) for c in calls if c.name == "chainer.variable._recover_parameter"}
    if "_Link__init_done" in state or arguments & {6, 7}:
        known = "7" if 7 in arguments else "6" if 6 in arguments else "6 or 7"
        return f"Chainer {known}"
    if "_within_init_scope" in state:
        return "Chainer 4 or 5" if isinstance(state.get("_children"), Bag) else "Chainer 2 to 5"
    return "Chainer 1.5 to 1.24"


def _python(machine: Machine) -> str:
    if machine.python2:
        return f"Python 2, protocol {machine.protocol}"
    python = "3" if machine.python3 or machine.protocol > 2 else "2 or 3"
    return f"Python {python}, protocol {machine.protocol}"


def remarks(machine: Machine, results: list[Any], rest: int) -> tuple[str, ...]:
    """What is odd: several pickles, bytes behind them, imports and calls that no model makes.

    Args:
        machine: What ran the stream.
        results: What it left, pickle by pickle.
        rest: Bytes behind the last one.
    """
    notes = [f"{len(results)} pickles in one file"] if len(results) > 1 else []
    notes += [f"{rest} bytes behind the last pickle are not looked at"] if rest else []
    calls = Counter(call.name for call in machine.calls)
    only_named = {found.full: 1 for found in machine.globals.values() if found.full not in calls}
    for verb, wanted in (("call", calls), ("import", only_named)):
        odd = Counter({name: n for name, n in wanted.items() if not _ORDINARY.fullmatch(name)})
        if odd:
            named = _counted(odd)
            notes.append(f"loading it with pickle would {verb} {named}; nothing was {verb}ed")
    return (*notes, *(printable(r) for r in dict.fromkeys(machine.remarks[:20])))


def _counted(names: Counter[str]) -> str:
    most = [(printable(name), count) for name, count in names.most_common(12)]
    named = ", ".join(f"{name} ({count}x)" if count > 1 else name for name, count in most)
    return named + (f" and {len(names) - 12} more" if len(names) > 12 else "")
