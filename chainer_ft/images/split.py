"""Which images are for validation: chosen within each class, by a seed and by name."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from chainer_ft.images.items import Named


def split(items: Sequence[Named], share: float, seed: int) -> tuple[list[Named], list[Named]]:
    """Part the images of each class.

    An image's part depends on the seed and on its own key, not on its neighbours' order or on the
    machine: new images leave most of the old ones where they are.

    Args:
        items: All images.
        share: Of each class for validation, 0 to 1; at least one image where the class has two
            and ``share`` is not 0, and never all of them.
        seed: Which ones.

    Returns:
        tuple: For training and for validation, both in the order of ``items``.

    Example:
        >>> items = [Named(f"{name}{n}.png", name) for name in "ab" for n in range(5)]
        >>> [len(part) for part in split(items, 0.2, seed=0)]
        [8, 2]
        >>> split(items, 0.2, seed=0) == split(items, 0.2, seed=0)
        True
    """
    chosen: set[Named] = set()
    for group in by_class(items).values():
        count = min(max(round(len(group) * share), share > 0), len(group) - 1)
        chosen.update(shuffled(group, seed)[:count])
    kept = [item for item in items if item not in chosen]
    return kept, [item for item in items if item in chosen]


def limited(items: Sequence[Named], count: int, seed: int) -> list[Named]:
    """At most ``count`` images of each class, chosen by the seed, in the order of ``items``."""
    chosen = {item for group in by_class(items).values() for item in shuffled(group, ~seed)[:count]}
    return [item for item in items if item in chosen]


def by_class(items: Iterable[Named]) -> dict[str, list[Named]]:
    """The images of each class."""
    groups: dict[str, list[Named]] = defaultdict(list)
    for item in items:
        groups[item.name].append(item)
    return dict(groups)


def shuffled(items: Iterable[Named], seed: int) -> list[Named]:
    """In an order that depends on the seed and each image's key."""

    def rank(item: Named) -> bytes:
        text = f"{seed}\0{item.name}\0{item.key}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, digest_size=16).digest()

    return sorted(items, key=rank)
