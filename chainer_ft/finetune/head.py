"""The head of a model: find it, and give it the classes of a new task."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import chainer

from chainer_ft.errors import RuleError, UsageError
from chainer_ft.finetune.labels import Survivors, survivors
from chainer_ft.links import identity, named_links, slots
from chainer_ft.links.resizing import outputs_of, resize_outputs
from chainer_ft.select import nearest
from chainer_ft.training.parameters import tuning_of
from chainer_ft.training.tuning import forget_state

_log = logging.getLogger("chainer_ft")


@dataclass(frozen=True)
class Head:
    """Where a model says how many classes it knows.

    Args:
        path: Path of the link.
        link_type: Its class.
        classes: How many outputs it has.
        alike: Paths of other links with as many outputs: heads beside it, or a coincidence.
    """

    path: str
    link_type: str
    classes: int
    alike: tuple[str, ...] = ()

    @property
    def params(self) -> tuple[str, str]:
        """Where its parameters stand in a model or a weights file.

        Example:
            >>> Head("/fc", "Linear", 10).params
            ('/fc/W', '/fc/b')
        """
        return f"{self.path.rstrip('/')}/W", f"{self.path.rstrip('/')}/b"


@dataclass(frozen=True)
class Resized:
    """What became of a head.

    Args:
        before: The head as it was.
        now: The head as it is.
        kept: New classes that keep a row of the source, with the source's names.
        ambiguous: New classes that more than one class of the source may be; their rows are new.
    """

    before: Head
    now: Head
    kept: tuple[tuple[str, str], ...] = ()
    ambiguous: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"head {self.now.path}: {self.before.classes} -> {self.now.classes} classes"
        return f"{text}, {len(self.kept)} keep their rows" if self.kept else f"{text}, all new"


def find_head(model: chainer.Link, classes: int | None = None, path: str | None = None) -> Head:
    """Find the head: the last link in the model's order that has so many outputs.

    Args:
        model: The model.
        classes: How many classes it knows; by default any number will do.
        path: Where the head is, if it is known.

    Returns:
        Head: A Linear or a convolution.

    Raises:
        RuleError: There is none; names the links with outputs, and their numbers.

    Example:
        >>> import chainer
        >>> links = chainer.links
        >>> net = chainer.Sequential(links.Convolution2D(3, 8, 3), links.Linear(None, 10))
        >>> find_head(net)
        Head(path='/1', link_type='Linear', classes=10, alike=())
    """
    sizes = {p: n for p, link in named_links(model) if (n := outputs_of(link))}
    if path is not None:
        return _head(model, _named(path, sizes), sizes)
    fitting = [p for p, size in sizes.items() if classes in (None, size)]
    if not fitting:
        known = ", ".join(f"{p} ({size})" for p, size in sizes.items()) or "none"
        wanted = "outputs" if classes is None else f"{classes} outputs"
        raise RuleError(
            f"{type(model).__name__}: no Linear or convolution has {wanted}; there are: {known}. "
            "Name the head: --head PATH"
        )
    return _head(model, fitting[-1], sizes)


def _named(path: str, sizes: dict[str, int]) -> str:
    path = "/" + path.strip("/")
    if path not in sizes:
        raise RuleError(
            f"head {path!r}: is no Linear or convolution of the model; {nearest(path, sizes)}"
        )
    return path


def _head(model: chainer.Link, path: str, sizes: dict[str, int]) -> Head:
    links = dict(named_links(model))
    alike = tuple(p for p, n in sizes.items() if n == sizes[path] and links[p] is not links[path])
    return Head(path, type(links[path]).__name__, sizes[path], alike)


def resize_head(
    model: chainer.Link,
    classes: int | Sequence[str],
    *,
    head: Head | str | None = None,
    labels: Sequence[str] | None = None,
) -> Resized:
    """Give the head of a model the classes of a new task.

    Link and Parameters stay the objects that they are; what the optimizer knew of them is
    forgotten. New rows are what the link's own initializers give.

    Args:
        model: The model.
        classes: The new classes, or how many there are.
        head: The head or its path; found by :func:`find_head` by default.
        labels: Names of the classes that it knows, by row. The classes that survive by name keep
            their rows; without names none does.

    Returns:
        Resized: What was done.

    Raises:
        RuleError: There is no head.
        UsageError: It is frozen, or shares an array with another link; or there are not as many
            labels as rows.

    Example:
        >>> import chainer
        >>> model = chainer.Chain(fc=chainer.links.Linear(4, 3))
        >>> print(resize_head(model, ["dog", "bird"], labels=["cat", "dog", "cow"]))
        head /fc: 3 -> 2 classes, 1 keep their rows
    """
    path = head.path if isinstance(head, Head) else head
    before = find_head(model, len(labels) if labels and path is None else None, path)
    names = None if isinstance(classes, int) else list(classes)
    count = classes if isinstance(classes, int) else len(classes)
    same = survivors(labels, names) if labels and names else Survivors()
    _check(model, before, count, labels)
    link = dict(named_links(model))[before.path]
    resize_outputs(link, count, same.rows)
    for param in link.params(include_uninit=False):
        forget_state(param.update_rule)
    _log_alike(before)
    kept = tuple((names[n], labels[o]) for n, o in same.rows.items()) if names and labels else ()
    return Resized(before, find_head(model, path=before.path), kept, same.ambiguous)


def _check(model: chainer.Link, head: Head, count: int, labels: Sequence[str] | None) -> None:
    if count < 1:
        raise UsageError(f"head {head.path}: {count} classes are none; give 1 or more")
    if labels is not None and len(labels) != head.classes:
        raise UsageError(
            f"head {head.path} has {head.classes} outputs, and there are {len(labels)} labels; "
            "give the labels that these weights were trained with, one a row"
        )
    groups = getattr(dict(named_links(model))[head.path], "groups", 1)
    if count % groups:
        raise UsageError(f"head {head.path}: {count} classes do not part into {groups} groups")
    own = [slot for slot in slots(model) if slot.path in head.params]
    for slot in own:
        if slot.kind == "param" and tuning_of(slot.value).frozen:
            raise UsageError(f"{slot.path} is frozen; resize the head before freezing, or unfreeze")
    links = {id(slot.link) for slot in own}
    shared = {identity(s): s.path for s in slots(model) if id(s.link) not in links}
    for slot in own:
        if identity(slot) in shared:
            raise UsageError(f"{slot.path} and {shared[identity(slot)]} are one array; part them")


def _log_alike(head: Head) -> None:
    if head.alike:
        _log.info(
            "head %s is resized; %s has %d outputs too and stays as it is",
            head.path,
            ", ".join(head.alike),
            head.classes,
        )
