"""What plugins provide, when it is called and fails."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

import pytest

from chainer_ft.errors import FormatError, PluginError
from chainer_ft.host.guard import Guard, guarded
from chainer_ft.host.records import PluginRecord
from chainer_ft.testing import ArraySource
from chainer_ft.types import (
    CaffeLayer,
    ExtensionFactory,
    Listing,
    MatchPolicy,
    Pair,
    Saver,
    SourceLoader,
    Subcommand,
)

NOTHING = Listing(())
SOURCE = ArraySource({})


@pytest.fixture
def failures() -> list[BaseException]:
    return []


@pytest.fixture
def guard(failures: list[BaseException]) -> Guard:
    return Guard(PluginRecord("odd", "odd-plugin", "1.2", "active"), failures.append)


def failing(error: BaseException) -> Callable[..., Any]:
    def function(*args: Any, **options: Any) -> Any:
        raise error

    return function


def call(kind: type, function: Callable[..., Any], guard: Guard) -> Any:
    """Make an item whose one function is this, guard it, call it."""
    if kind is SourceLoader:
        loader = SourceLoader("x", "s", (".x",), lambda head, path: 1.0, function)
        return guarded(loader, guard).open("file.x")
    if kind is Saver:
        return guarded(Saver("x", "s", (".x",), function), guard).save("file.x", SOURCE)
    if kind is MatchPolicy:
        return guarded(MatchPolicy("x", "s", function), guard).propose(NOTHING, NOTHING)
    if kind is ExtensionFactory:
        return guarded(ExtensionFactory("x", "s", function), guard).build()
    if kind is CaffeLayer:
        return guarded(CaffeLayer("x", "s", function), guard).build(None, "TEST")
    verb = Subcommand("x", "s", lambda parser: None, function)
    return guarded(verb, guard).run(Namespace())


KINDS = [SourceLoader, Saver, MatchPolicy, ExtensionFactory, Subcommand, CaffeLayer]
WORDS = ["file.x: loader", "file.x: saver", "policy", "extension", "verb", "Caffe layer"]


@pytest.mark.parametrize(("kind", "word"), list(zip(KINDS, WORDS, strict=True)))
def test_what_is_raised_names_the_plugin_and_the_remedy(
    kind: type, word: str, guard: Guard, failures: list[BaseException]
) -> None:
    error = ValueError("a reason")
    with pytest.raises(PluginError) as caught:
        call(kind, failing(error), guard)
    assert str(caught.value) == (
        f"{word} 'x' of plugin odd (odd-plugin 1.2) failed: ValueError: a reason; "
        "block it with -p no:odd"
    )
    assert caught.value.__cause__ is error
    assert failures == [error]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [FormatError("ours"), MemoryError(), KeyboardInterrupt()])
def test_what_is_not_the_plugins_fault_passes(
    kind: type, error: BaseException, guard: Guard, failures: list[BaseException]
) -> None:
    with pytest.raises(type(error)):
        call(kind, failing(error), guard)
    assert failures == []


def test_a_full_disk_is_not_the_savers_fault(guard: Guard) -> None:
    with pytest.raises(OSError, match="disk"):
        call(Saver, failing(OSError("disk is full")), guard)


@pytest.mark.parametrize(
    ("error", "seen", "sentence"),
    [
        (ValueError("odd"), PluginError, "file.x: saver 'x' of plugin odd .* ValueError: odd"),
        (FormatError("no pickle to fill"), FormatError, "^no pickle to fill$"),
    ],
)
def test_the_check_of_a_saver(
    error: Exception, seen: type[Exception], sentence: str, guard: Guard
) -> None:
    saver = Saver("x", "s", (".x",), lambda *args, **options: None, failing(error))
    with pytest.raises(seen, match=sentence):
        guarded(saver, guard).check("file.x", None)


def test_a_verb_may_exit_and_its_reader_may_leave(guard: Guard) -> None:
    with pytest.raises(SystemExit):
        call(Subcommand, failing(SystemExit(5)), guard)
    with pytest.raises(BrokenPipeError):
        call(Subcommand, failing(BrokenPipeError()), guard)


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (3, 3)])
def test_the_exit_code_of_a_verb(result: Any, code: int, guard: Guard) -> None:
    assert call(Subcommand, lambda options: result, guard) == code


def test_a_good_answer_comes_through(guard: Guard) -> None:
    pair = Pair("/a", "/b")
    assert call(MatchPolicy, lambda source, target: iter([pair]), guard) == [pair]
    assert call(ExtensionFactory, lambda **options: "an extension", guard) == "an extension"
    assert call(SourceLoader, lambda path: SOURCE, guard).listing == SOURCE.listing


@pytest.mark.parametrize(
    ("kind", "answer", "sentence"),
    [
        (SourceLoader, None, "open returned None, not a Source"),
        (MatchPolicy, [("/a", "/b")], r"propose yielded \('/a', '/b'\), not a Pair or a Tie"),
        (MatchPolicy, None, "'NoneType' object is not iterable"),
        (Subcommand, "done", "invalid literal for int"),
    ],
)
def test_a_wrong_answer_names_the_plugin(
    kind: type, answer: Any, sentence: str, guard: Guard
) -> None:
    with pytest.raises(PluginError, match=rf"odd \(odd-plugin 1.2\) failed: \w+: {sentence}"):
        call(kind, lambda *args: answer, guard)


def test_a_generator_that_fails_half_way(guard: Guard) -> None:
    def propose(source: Listing, target: Listing) -> Any:
        yield Pair("/a", "/b")
        raise ValueError("half-way")

    with pytest.raises(PluginError, match="ValueError: half-way"):
        call(MatchPolicy, propose, guard)
