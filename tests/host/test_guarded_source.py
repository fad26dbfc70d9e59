"""A plugin's source is held to its own listing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

from chainer_ft.errors import PluginError
from chainer_ft.host.guard import Guard
from chainer_ft.host.guarded_source import GuardedSource
from chainer_ft.host.records import PluginRecord
from chainer_ft.testing import ArraySource
from chainer_ft.types import Listing, Source

ARRAY = np.arange(6, dtype="f4").reshape(2, 3)


class Inner(ArraySource):
    """Does what a test tells it to."""

    name = "file.odd"
    notes = ("a note",)
    closed = False

    def __init__(self, **methods: Callable[..., Any]) -> None:
        super().__init__({"/fc/W": ARRAY})
        self.methods = methods

    def read(self, path: str) -> np.ndarray:
        return self.methods.get("read", super().read)(path)

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        return self.methods.get("blocks", super().blocks)(path)

    def for_target(self, target: Listing) -> Source:
        return self.methods.get("for_target", super().for_target)(target)

    def narrow(self, prefix: str) -> bool:
        self.name = f"file.odd::{prefix}"
        return True

    def close(self) -> None:
        self.closed = True


def raising(*args: Any) -> Any:
    raise ZeroDivisionError


def guarded(inner: Source) -> GuardedSource:
    guard = Guard(PluginRecord("odd", "odd-plugin", "1.2", "active"), lambda error: None)
    return GuardedSource(inner, guard, "file.odd: loader 'odd'")


def failure(cause: str) -> AbstractContextManager[Any]:
    return pytest.raises(PluginError, match=rf"file.odd: loader 'odd' of plugin odd .*{cause}")


def test_a_good_source_is_as_it_was() -> None:
    inner = Inner()
    source = guarded(inner)
    assert (source.name, source.format, source.notes) == ("file.odd", "arrays", ("a note",))
    assert source.listing == inner.listing
    assert source.listing is source.listing
    np.testing.assert_array_equal(source.read("/fc/W"), ARRAY)
    np.testing.assert_array_equal(np.concatenate(list(source.blocks("/fc/W"))), ARRAY.ravel())
    source.close()
    assert inner.closed


def test_a_listing_without_an_origin_gets_the_files_name() -> None:
    inner = Inner()
    inner._listing = Listing(inner.listing.entries)
    assert guarded(inner).listing.origin == "file.odd"


def test_a_path_that_is_not_there_is_the_callers_mistake() -> None:
    for ask in (
        lambda: guarded(Inner()).read("/fc/b"),
        lambda: next(guarded(Inner()).blocks("/b")),
    ):
        with pytest.raises(KeyError):
            ask()


def test_reading_that_fails() -> None:
    with failure("ZeroDivisionError"):
        guarded(Inner(read=raising)).read("/fc/W")
    with failure("ZeroDivisionError"):
        next(guarded(Inner(blocks=raising)).blocks("/fc/W"))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (ARRAY.T, r"/fc/W is \(3, 2\) float32 where its entry says \(2, 3\) float32"),
        (ARRAY.astype("f8"), r"/fc/W is \(2, 3\) float64 where"),
        (None, "AttributeError"),
    ],
)
def test_an_array_that_is_not_what_the_listing_says(array: Any, said: str) -> None:
    with failure(said):
        guarded(Inner(read=lambda path: array)).read("/fc/W")


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([ARRAY.ravel()[:4]], "/fc/W has fewer numbers than its entry says, 6"),
        ([ARRAY.ravel(), ARRAY.ravel()], "/fc/W has more numbers than its entry says, 6"),
        ([ARRAY.ravel().astype("f8")], "float64"),
        (None, "TypeError"),
    ],
)
def test_blocks_that_are_not_what_the_listing_says(blocks: Any, said: str) -> None:
    with failure(said):
        list(guarded(Inner(blocks=lambda path: blocks)).blocks("/fc/W"))


def test_blocks_that_fail_half_way() -> None:
    def blocks(path: str) -> Iterator[np.ndarray]:
        yield ARRAY.ravel()[:3]
        raise ZeroDivisionError

    pieces = guarded(Inner(blocks=blocks)).blocks("/fc/W")
    assert next(pieces).size == 3
    with failure("ZeroDivisionError"):
        next(pieces)


def test_a_listing_that_is_none() -> None:
    class NoListing(Inner):
        listing = (("/fc/W", (2, 3)),)  # type: ignore[assignment]

    with failure("not a Listing"):
        guarded(NoListing()).listing  # noqa: B018


def test_what_suits_a_target_is_guarded_too() -> None:
    inner, other = Inner(), Inner(read=raising)
    source = guarded(inner)
    assert source.for_target(inner.listing) is source
    with failure("ZeroDivisionError"):
        guarded(Inner(for_target=lambda target: other)).for_target(inner.listing).read("/fc/W")


def test_a_narrowed_source_has_its_new_name() -> None:
    source = guarded(Inner())
    assert source.narrow("/fc")
    assert source.name == "file.odd::/fc"
