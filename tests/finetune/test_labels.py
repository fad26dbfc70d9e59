"""Which classes survive, by name."""

from __future__ import annotations

import pytest

from chainer_ft.errors import UsageError
from chainer_ft.finetune.labels import survivors

IMAGENET = [
    "n01440764 tench, Tinca tinca",
    "n02012849 crane",
    "n03126707 crane",
    "n02123045 tabby, tabby cat",
]


@pytest.mark.parametrize(
    "name, row", [("tench", 0), ("Tinca_Tinca", 0), ("n02123045", 3), ("Tabby-Cat", 3)]
)
def test_a_line_of_synset_words_answers_to_each_of_its_names(name: str, row: int) -> None:
    assert survivors(IMAGENET, ["nothing", name]).rows == {1: row}


def test_a_name_that_two_classes_have_is_reported_and_not_guessed() -> None:
    found = survivors(IMAGENET, ["crane", "n03126707"])
    assert found.rows == {1: 2} and found.ambiguous == ("crane",)


def test_a_whole_name_comes_before_a_part_of_another() -> None:
    assert survivors(["cat, kitten", "kitten"], ["kitten"]).rows == {0: 1}


def test_names_in_two_unicode_forms_are_one() -> None:
    assert survivors(["Käse", "東京"], ["東京", "KA\u0308SE"]).rows == {0: 1, 1: 0}


def test_two_new_classes_of_one_name_are_an_error() -> None:
    with pytest.raises(UsageError, match="'a'"):
        survivors(["a"], ["a", "b", "a"])
