"""What a person wants to know of a lost model."""

from __future__ import annotations

from collections import Counter
from typing import Any

from chainer_ft.formats.pickled.links import LinkRecord, Links
from chainer_ft.formats.pickled.machine import Machine
from chainer_ft.formats.pickled.records import Bag, Call, Global

_BOOKKEEPING = frozenset(
    [
        *("_params", "_persistent", "_children", "_cpu", "_device_id", "name", "_device", "_layers"),
        *("_uninitialized_params", "_within_init_scope", "_Link__init_done", "_overridden_to_methods"),
        *("_local_link_hooks", "_volatile"),
    ]
)
#: Calls that every pickle of a model makes, and that mean no harm.
_ORDINARY = (
    *("numpy.", "cupy.", "chainer.", "chainerx.", "chainermn.", "collections."),
    *("copy_reg._reconstructor", "copyreg._reconstructor", "_codecs.encode"),
    *("__builtin__.set", "builtins.set", "__builtin__.frozenset", "builtins.frozenset"),
    *("__builtin__.bytes", "builtins.bytes", "__builtin__.bytearray", "builtins.bytearray"),
)
_MOST_LINES = 400


def details(links: Links, roots: list[tuple[tuple[str, ...], LinkRecord]], machine: Machine) -> tuple[str, ...]:
    """The tree of links with their classes and attributes, and who wrote it."""
    lines: list[str] = []
    for way, root in roots:
        _tree(links, root, "/" + "/".join(way), 0, lines, frozenset())
    if lines:
        lines.append(f"written by {_generation(roots)}, {_python(machine)}")
    return tuple(lines[:_MOST_LINES] + ["..."] * (len(lines) > _MOST_LINES))


def _tree(
    links: Links, link: LinkRecord, name: str, depth: int, lines: list[str], above: frozenset[int]
) -> None:
    if id(link.call) in above or len(lines) > _MOST_LINES or depth > 32:
        return
    attributes = ", ".join(_attributes(links, link))
    lines.append(f"{'  ' * depth}{name}  {link.class_name}({attributes})")
    for child_name, child in links.children(link):
        _tree(links, child, child_name, depth + 1, lines, above | {id(link.call)})


def _attributes(links: Links, link: LinkRecord) -> list[str]:
    """Numbers, short texts and small tuples of them; what is registered stands elsewhere."""
    registered = {*links.arrays.names(link.state.get("_params"))}
    registered |= {*links.arrays.names(link.state.get("_persistent"))}
    found = []
    for name, value in link.state.items():
        text = _plain(links, value)
        if name not in _BOOKKEEPING | registered and not name.startswith("__") and text is not None:
            found.append(f"{name}={text}")
    return found[:30]


def _plain(links: Links, value: Any, depth: int = 0) -> str | None:
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    text = links.arrays.text(value)
    if text is not None:
        return repr(text[:60])
    if isinstance(value, (tuple, list)) and len(value) <= 8 and depth < 2:
        parts = [_plain(links, item, depth + 1) for item in value]
        if None not in parts:
            return f"({', '.join(map(str, parts))})"
    return str(value)[:60] if isinstance(value, Global) else None


def _generation(roots: list[tuple[tuple[str, ...], LinkRecord]]) -> str:
    """The Chainer that wrote it, as the attributes of its links give it away."""
    state = roots[0][1].state
    if roots[0][1].is_function_set:
        return "Chainer 1.0 to 1.4"
    variables = [v for v in state.values() if isinstance(v, Call) and v.name.startswith("chainer.var")]
    arguments = {len(v.args) for v in variables if v.name.endswith("_recover_parameter")}
    if "_Link__init_done" in state or arguments & {6, 7}:
        return "Chainer 7" if 7 in arguments else "Chainer 6" if 6 in arguments else "Chainer 6 or 7"
    if "_within_init_scope" in state:
        return "Chainer 4 or 5" if isinstance(state.get("_children"), Bag) else "Chainer 2 to 5"
    return "Chainer 1.5 to 1.24"


def _python(machine: Machine) -> str:
    if machine.python2:
        return f"Python 2, protocol {machine.protocol}"
    return f"Python {'3' if machine.python3 or machine.protocol > 2 else '2 or 3'}, protocol {machine.protocol}"


def remarks(machine: Machine, results: list[Any], rest: int) -> tuple[str, ...]:
    """What is odd: several pickles, bytes behind them, calls that no model makes."""
    notes = [f"{len(results)} pickles in one file"] if len(results) > 1 else []
    notes += [f"{rest} bytes behind the last pickle are not looked at"] if rest else []
    wanted = Counter(call.name for call in machine.calls if not call.name.startswith(_ORDINARY))
    named = [f"{name} ({count}x)" if count > 1 else name for name, count in wanted.most_common(12)]
    if named:
        more = f" and {len(wanted) - 12} more" if len(wanted) > 12 else ""
        notes.append(f"loading it with pickle would call {', '.join(named)}{more}; nothing was called")
    return (*notes, *dict.fromkeys(machine.remarks[:20]))
