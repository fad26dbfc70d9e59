"""See which images are whole, before they are needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from chainer_ft.errors import FormatError
from chainer_ft.images.files import is_image_name
from chainer_ft.images.items import Broken, Found, Store
from chainer_ft.images.opening import NoImageError
from chainer_ft.images.picture import quiet


@dataclass(frozen=True)
class Bad:
    """What cannot be used.

    Args:
        broken: Images that are damaged, too large or of an unknown format.
        others: Files that are no images and are not called so.
        keys: Of both.
    """

    broken: tuple[Broken, ...] = ()
    others: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()


def check(found: Found, progress: Callable[[int, int], None] | None = None) -> Bad:
    """Decode every image once.

    Args:
        found: Where they are.
        progress: Called with how many are done, and of how many.
    """
    if found.is_checked:
        return Bad()
    keys = [item.key for item in (*found.train, *(found.val or ()))]
    broken, others, bad = [], [], []
    for done, trouble in enumerate(_troubles(found.store, keys), 1):
        if trouble is not None:
            key = keys[done - 1]
            bad.append(key)
            is_other = isinstance(trouble, NoImageError) and not is_image_name(key)
            if found.kind == "folder" and is_other:
                others.append(key)
            else:
                broken.append(_broken(found.store.file(key), key, trouble))
        if progress is not None:
            progress(done, len(keys))
    return Bad(tuple(broken), tuple(others), frozenset(bad))


def by_name(found: Found) -> Bad:
    """Leave out what is not called as images are, without a look inside."""
    if found.kind != "folder":
        return Bad()
    every = (*found.train, *(found.val or ()))
    others = tuple(item.key for item in every if not is_image_name(item.key))
    return Bad((), others, frozenset(others))


def _troubles(store: Store, keys: Sequence[str]) -> Iterator[FormatError | None]:
    """What is wrong with each image, in their order; decoders run beside each other."""
    with quiet(), ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            yield from pool.map(partial(_trouble, store), keys)
        finally:  # Ctrl-C need not wait for the rest
            pool.shutdown(wait=False, cancel_futures=True)


def _trouble(store: Store, key: str) -> FormatError | None:
    try:
        store.open(key).check()
    except FormatError as error:
        return error
    return None


def _broken(file: str, key: str, error: FormatError) -> Broken:
    text = str(error)
    if text.startswith(f"{file}: "):  # a name may itself have colons
        return Broken(file, text[len(file) + 2 :])
    place, _, reason = text.partition(": ")
    return Broken(place, reason) if reason else Broken(key, place)
