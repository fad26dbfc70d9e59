"""What hooks return is checked when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from chainer_ft.types import ExtensionFactory, MatchPolicy, Saver, SourceLoader, Subcommand


def function(*args: Any, **options: Any) -> Any:
    return None


MAKERS: dict[str, Callable[..., Any]] = {
    "loader": lambda name="odd", summary="s", f=function: SourceLoader(name, summary, (), f, f),
    "saver": lambda name="odd", summary="s", f=function: Saver(name, summary, (".odd",), f),
    "policy": lambda name="odd", summary="s", f=function: MatchPolicy(name, summary, f),
    "extension": lambda name="odd", summary="s", f=function: ExtensionFactory(name, summary, f),
    "verb": lambda name="odd", summary="s", f=function: Subcommand(name, summary, f, f),
}


@pytest.mark.parametrize("make", list(MAKERS.values()), ids=list(MAKERS))
class TestAll:
    def test_it_is_a_value(self, make: Callable[..., Any]) -> None:
        assert make() == make()
        with pytest.raises(FrozenInstanceError):
            make().name = "other"

    @pytest.mark.parametrize("name", ["odd", "caffe-hdf5", "a.b_c", "x2"])
    def test_names(self, make: Callable[..., Any], name: str) -> None:
        assert make(name=name).name == name

    @pytest.mark.parametrize("name", ["", "Odd", "two words", "2x", "é", "a/b", None, 3, "odd\n"])
    def test_names_are_lower_case_words(self, make: Callable[..., Any], name: Any) -> None:
        with pytest.raises(ValueError, match="name is lower-case, like 'caffemodel', not"):
            make(name=name)

    @pytest.mark.parametrize("summary", ["", "  ", "two\nlines", None])
    def test_a_summary_is_one_line(self, make: Callable[..., Any], summary: Any) -> None:
        with pytest.raises(ValueError, match="odd: summary is one line of text, not"):
            make(summary=summary)

    def test_functions_are_callable(self, make: Callable[..., Any]) -> None:
        with pytest.raises(ValueError, match=r"odd: [a-z_]+ is a function, not 'f'"):
            make(f="f")


@pytest.mark.parametrize("suffixes", [".npz", ("npz",), (1,), (".NPZ",), 3, None])
def test_suffixes_are_a_tuple_of_lower_case_words_with_a_dot(suffixes: Any) -> None:
    with pytest.raises(ValueError, match=r"odd: suffixes are like \('.npz',\), not"):
        SourceLoader("odd", "s", suffixes, function, function)
    with pytest.raises(ValueError, match=r"odd: suffixes are like"):
        Saver("odd", "s", suffixes, function)


def test_a_savers_check_is_a_function_that_by_default_finds_nothing() -> None:
    assert Saver("odd", "s", (".odd",), function).check("a.odd", None) is None
    with pytest.raises(ValueError, match="odd: check is a function, not 'f'"):
        Saver("odd", "s", (".odd",), function, "f")  # type: ignore[arg-type]
