"""Model, snapshot or optimizer: told by the paths alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.errors import NotWeightsError, UnsafeError
from chainer_ft.formats.layout import ModelView, check_names, is_optimizer, model_view
from chainer_ft.types import Entry

F4, I8 = np.dtype("f4"), np.dtype("i8")


def view(*paths: str) -> ModelView:
    return model_view([Entry(path, (3,), F4) for path in paths], "a.npz")


def test_a_plain_model_is_itself() -> None:
    made = view("/conv/W", "/conv/b", "/fc/W")
    assert (made.prefix, made.notes) == ("", ())
    assert made.listing.paths == ("/conv/W", "/conv/b", "/fc/W")


def test_a_snapshots_model_loses_its_prefix() -> None:
    made = view(
        "/updater/iteration", "/updater/model:main/fc/W", "/updater/optimizer:main/fc/W/v",
        "/updater/iterator:main/order", "/extensions/LogReport/_log", "/_snapshot_elapsed_time",
    )  # fmt: skip
    assert made.prefix == "/updater/model:main"
    assert made.listing.paths == ("/fc/W",)
    assert made.notes == (
        "a trainer snapshot; the model is at /updater/model:main; 5 entries of optimizers, "
        "iterators and extensions are left out",
    )


def test_a_trainer_deeper_in_a_file() -> None:
    assert view("/trainer/updater/model:main/fc/W").prefix == "/trainer/updater/model:main"


def test_two_models_keep_their_names() -> None:
    made = view("/updater/model:gen/fc/W", "/updater/model:dis/fc/W", "/updater/iteration")
    assert made.listing.paths == ("/updater/model:gen/fc/W", "/updater/model:dis/fc/W")
    assert "choose one with a.npz::/updater/model:gen" in made.notes[0]


def test_the_optimizer_knows_what_is_a_parameter() -> None:
    """``mean`` would be taken for a statistic, were it not trained."""
    entries = [
        Entry("/updater/model:main/mean", (3,), F4),
        Entry("/updater/model:main/avg_mean", (3,), F4),
        Entry("/updater/optimizer:main/mean/m", (3,), F4),
    ]
    assert [e.kind for e in model_view(entries, "a").listing] == ["param", "persistent"]


@pytest.mark.parametrize(
    "paths",
    [
        ("/t", "/fc/W/m", "/fc/W/v"),
        ("/t", "/epoch", "/fc/W/t", "/fc/W/m"),
        ("/t", "/epoch"),
        ("/epoch", "/t", "/a/b/c/W/msdx"),
    ],
)
def test_an_optimizer_is_refused(paths: tuple[str, ...]) -> None:
    assert is_optimizer(paths)
    with pytest.raises(NotWeightsError, match="state of an optimizer"):
        view(*paths)


@pytest.mark.parametrize("paths", [("/t", "/fc/W"), ("/W", "/t"), ("/fc/m", "/fc/v"), ()])
def test_a_model_with_short_names_is_none(paths: tuple[str, ...]) -> None:
    assert not is_optimizer(paths)
    assert view(*paths).listing.paths == paths


def test_a_snapshot_without_a_model() -> None:
    with pytest.raises(NotWeightsError, match="a trainer snapshot that holds no model"):
        view("/updater/iteration", "/extensions/LogReport/_log")


@pytest.mark.parametrize("name", ["/a\x00", "/a\x1b[0m", "/\x9b2J", "/\u202eabc", "/a\udce9"])
def test_names_that_cannot_be_printed(name: str) -> None:
    with pytest.raises(UnsafeError, match="cannot be printed") as caught:
        check_names(["/fine", name], "a.npz")
    assert str(caught.value).isascii()


def test_names_of_the_world_are_fine(tmp_path: Path) -> None:
    names = ("/畳み込み/W", "/é à/W", "/inception_3a/1x1/W", "/\U0001f600")
    np.savez(tmp_path / "a.npz", **{name[1:]: np.zeros(2) for name in names})
    with ft.open(tmp_path / "a.npz") as source:
        assert source.listing.paths == names
