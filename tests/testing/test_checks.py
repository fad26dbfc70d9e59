"""The checks for plugin authors pass what is right and name what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainer_ft.builtin import formats, policies
from chainer_ft.errors import FormatError
from chainer_ft.formats import npz
from chainer_ft.testing import ArraySource, check_loader, check_policy, check_saver
from chainer_ft.types import Listing, MatchPolicy, Pair, Saver, Source, SourceLoader, Tie

ARRAY = np.arange(6, dtype="f4").reshape(2, 3)
MAGIC = b"ARRAYS"

# The pickle saver fills files and makes none.
MAKERS = [saver for saver in formats.chainer_ft_savers() if saver.name != "pickle"]


class TestBuiltIns:
    @pytest.mark.parametrize("policy", policies.chainer_ft_match_policies(), ids=lambda p: p.name)
    def test_policies(self, policy: MatchPolicy) -> None:
        check_policy(policy)

    @pytest.mark.parametrize("saver", MAKERS, ids=lambda s: s.name)
    def test_savers_with_their_loaders(self, saver: Saver, tmp_path: Path) -> None:
        loaders = {loader.name: loader for loader in formats.chainer_ft_source_loaders()}
        check_saver(saver, tmp_path, loaders[saver.name])

    @pytest.mark.parametrize("saver", MAKERS, ids=lambda s: s.name)
    def test_loaders(self, saver: Saver, tmp_path: Path) -> None:
        loaders = {loader.name: loader for loader in formats.chainer_ft_source_loaders()}
        file = tmp_path / f"fc{saver.suffixes[0]}"
        saver.save(str(file), ArraySource({"/fc/W": ARRAY}), provenance=None, compress=False)
        check_loader(loaders[saver.name], file)


class Fixed(ArraySource):
    """One array behind a magic; a test replaces what it wants to see fail."""

    def __init__(self, path: str) -> None:
        content = Path(path).read_bytes()
        if content != MAGIC + ARRAY.tobytes():
            raise FormatError(f"{path}: is damaged")
        super().__init__({"/fc/W": ARRAY.copy()})


def detect(head: bytes, path: str) -> float:
    return float(head.startswith(MAGIC))


LOADER = SourceLoader("fixed", "for a test", (".fixed",), detect, Fixed)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.fixed").write_bytes(MAGIC + ARRAY.tobytes())
    return tmp_path / "a.fixed"


def opening(**methods: Any) -> SourceLoader:
    return replace(LOADER, open=type("Changed", (Fixed,), methods))


def shared(self: Any, path: str) -> np.ndarray:
    return self._arrays[path]


def read_only(self: Any, path: str) -> np.ndarray:
    array = self._arrays[path].copy()
    array.flags.writeable = False
    return array


def any_path(self: Any, path: str) -> np.ndarray:
    return ARRAY.copy()


def in_fortran_order(self: Any, path: str) -> Iterator[np.ndarray]:
    yield self.read(path).T.reshape(-1)


def open_carelessly(path: str) -> Source:
    content = Path(path).read_bytes()[len(MAGIC) :]
    return ArraySource({"/fc/W": np.frombuffer(content, "f4").reshape(2, 3)})


def open_without_a_name(path: str) -> Source:
    try:
        return Fixed(path)
    except FormatError:
        raise FormatError("is damaged") from None


class TestLoader:
    def test_a_good_one(self, file: Path) -> None:
        check_loader(LOADER, file)

    @pytest.mark.parametrize(
        ("loader", "rule"),
        [
            ("npz", "'npz' is not a SourceLoader"),
            (replace(LOADER, detect=lambda head, path: 0.0), "detect does not know"),
            (replace(LOADER, detect=lambda head, path: 2.0), "detect returns 0.0 to 1.0"),
            (
                replace(LOADER, detect=lambda head, path: float(path.endswith(".fixed"))),
                "detect claims an empty file by its suffix",
            ),
            (opening(read=shared), "the array is the caller's own, not shared"),
            (opening(read=read_only), "the array is the caller's own, so writeable"),
            (opening(read=any_path), "read raises KeyError for a path that is not"),
            (opening(read=lambda self, path: ARRAY.T.copy()), "the listing says"),
            (opening(read=lambda self, path: ARRAY.tolist()), "read returns an array"),
            (opening(blocks=in_fortran_order), "blocks are the pieces of read, in C order"),
            (opening(listing=Listing(())), "the file has no array"),
            (opening(listing=("/fc/W",)), "listing is a Listing"),
            (replace(LOADER, open=open_carelessly), "a file cut at 0 bytes: ValueError"),
            (replace(LOADER, open=open_without_a_name), "the error does not name the file"),
        ],
    )
    def test_a_broken_rule_is_named(self, loader: Any, rule: str, file: Path) -> None:
        with pytest.raises(AssertionError, match=rule.replace("(", r"\(")):
            check_loader(loader, file)


def save(path: str, source: Source, *, provenance: Any = None, compress: bool = False) -> None:
    npz.save(path, source, provenance=provenance, compress=compress)


def save_a_part(path: str, source: Source, **options: Any) -> None:
    source.read(source.listing.paths[0])
    Path(path).touch()


def save_elsewhere(path: str, source: Source, **options: Any) -> None:
    save(f"{path}.npz", source)


def save_beside(path: str, source: Source, **options: Any) -> None:
    save(path, source)
    Path(path).with_name("index.json").touch()


def save_provenance_first(path: str, source: Source, *, provenance: Any, compress: bool) -> None:
    if callable(provenance):
        provenance()
    save(path, source)


def save_somehow(path: str, source: Source, **options: Any) -> None:
    try:
        save(path, source)
    except FormatError:
        Path(path).touch()


def save_halves(path: str, source: Source, **options: Any) -> None:
    arrays = {entry.path: source.read(entry.path) / 2 for entry in source.listing}
    save(path, ArraySource(arrays))


class TestSaver:
    @pytest.mark.parametrize(
        ("function", "rule"),
        [
            (save_a_part, "save left out /conv1/b"),
            (save_elsewhere, "save wrote no weights-False.odd"),
            (save_beside, "save left index.json behind"),
            (save_provenance_first, "provenance was asked for before"),
            (save_somehow, "save swallows what the source raises"),
            (save_halves, "/conv1/W does not come back as it was saved"),
        ],
    )
    def test_a_broken_rule_is_named(
        self, function: Callable[..., None], rule: str, tmp_path: Path
    ) -> None:
        with pytest.raises(AssertionError, match=rule):
            check_saver(Saver("odd", "for a test", (".odd",), function), tmp_path, npz.LOADER)

    def test_a_saver_needs_a_suffix(self, tmp_path: Path) -> None:
        with pytest.raises(AssertionError, match="a saver has a suffix"):
            check_saver(Saver("odd", "for a test", (), save), tmp_path)

    def test_nothing_is_left_of_a_failure(self, tmp_path: Path) -> None:
        check_saver(Saver("odd", "for a test", (".odd",), save), tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {
            "weights-False.odd",
            "weights-True.odd",
        }


def first_come(source: Listing, target: Listing) -> Iterator[Pair]:
    for a, b in zip(source, target, strict=False):
        yield Pair(a.path, b.path)


def again_and_again(source: Listing, target: Listing) -> Iterator[Pair]:
    for entry in target:
        for other in source:
            yield Pair(other.path, entry.path)


class TestPolicy:
    def test_the_empty_one(self) -> None:
        check_policy(MatchPolicy("none", "pairs nothing", lambda source, target: []))

    @pytest.mark.parametrize(
        ("propose", "rule"),
        [
            (first_come, "links are copied whole"),
            (again_and_again, "each entry is proposed once, and exists"),
            (lambda source, target: [Pair("/no", "/where")], "no link -> no link: each entry"),
            (lambda source, target: [Tie(("/no",), ())], "each entry is proposed once"),
            (lambda source, target: [("/fc/W", "/fc/W")], "propose yields Pair and Tie, not"),
            (lambda source, target: [source.entries[0].path], "propose raises nothing"),
        ],
    )
    def test_a_broken_rule_is_named(self, propose: Callable[..., Any], rule: str) -> None:
        with pytest.raises(AssertionError, match=rule):
            check_policy(MatchPolicy("odd", "for a test", propose))

    def test_another_answer_each_time(self) -> None:
        answers = iter([[Pair("/a/W", "/b/W")], [Pair("/a/W", "/a/W")]] * 1000)

        def propose(source: Listing, target: Listing) -> list[Pair]:
            return next(answers) if "/a/W" in source and "/a/W" in target else []

        with pytest.raises(AssertionError, match="the same answer to the same question"):
            check_policy(MatchPolicy("odd", "for a test", propose))
