"""What a Chainer npz or HDF5 file is: a model, a trainer snapshot, an optimizer. Pure."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainer_ft.errors import NotWeightsError, UnsafeError
from chainer_ft.formats.kinds import infer_kinds
from chainer_ft.types import Entry, Listing, Source

_MODEL = re.compile(r"^(/(?:[^/]+/)*?model:[^/]+)/")
_OPTIMIZER = re.compile(r"^(/(?:[^/]+/)*?)optimizer:([^/]+)/")
# Control characters, those that turn the direction of text, and halves of characters.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Names that Chainer's update rules, 1.0 to 7.8, keep beside a parameter.
_STATES = frozenset(
    [
        "t",
        "m",
        "v",
        "h",
        "vhat",
        "ms",
        "msg",
        "msdx",
        "mg",
        "g",
        "p",
        "n",
        "fp32_param",
        "hess",
        "prev_grad",
    ]
)


@dataclass(frozen=True)
class ModelView:
    """The part of a file that is a model.

    Args:
        listing: Its entries, the prefix taken off.
        prefix: Where it stands in the file (``""``: the file is the model).
        notes: Sentences for the reader of the listing.
    """

    listing: Listing
    prefix: str = ""
    notes: tuple[str, ...] = ()


class ChainerFile(Source):
    """A file in Chainer's own layout, npz or HDF5: the model in it is the listing.

    Args:
        path: The file.
        stored: All its entries, under the paths of the file.
        ordered: Whether they stand in the model's own order.
    """

    def __init__(self, path: str, stored: Sequence[Entry], ordered: bool = False) -> None:
        self.name = path
        self._stored, self._ordered = tuple(stored), ordered
        self._view = model_view(self._stored, path, ordered)
        self.notes = self._view.notes
        self.whole = len(self._view.listing) == len(self._stored)

    @property
    def listing(self) -> Listing:
        return self._view.listing

    def stored_path(self, path: str) -> str:
        """The path of the file behind a path of the listing, if it may be read."""
        entry = self.listing[path]
        if entry.note:
            raise UnsafeError(f"{self.name}::{path}: {entry.note}; it is not read")
        return self._view.prefix + path

    def read(self, path: str) -> np.ndarray:
        return self.read_stored(self.stored_path(path))

    @abstractmethod
    def read_stored(self, stored: str) -> np.ndarray:
        """Read the array at a path of the file."""

    def narrow(self, prefix: str) -> bool:
        for full in (prefix, self._view.prefix + prefix):
            inside = [e for e in self._stored if e.path.startswith(full + "/")]
            if inside:
                moved = [replace(e, path=e.path[len(full) :]) for e in inside]
                view = model_view(moved, f"{self.name}::{prefix}", self._ordered)
                self._view = replace(view, prefix=full + view.prefix)
                self.name = f"{self.name}::{prefix}"
                self.notes, self.whole = self._view.notes, False
                return True
        return False


def check_names(paths: Iterable[str], origin: str) -> None:
    """Refuse names that must not reach a terminal or another file; no Chainer model has such.

    Raises:
        UnsafeError: One holds control characters, or is no text.
    """
    odd = next(filter(_UNPRINTABLE.search, paths), None)
    if odd is not None:
        raise UnsafeError(f"{origin}: the name {odd!a} holds characters that cannot be printed")


def model_view(entries: Sequence[Entry], origin: str, ordered: bool = False) -> ModelView:
    """Find the model in the entries of a file.

    Args:
        entries: All of them, with the paths of the file.
        origin: The file's path, for messages.
        ordered: Whether they stand in the model's own order; in stock Chainer's files they do not.

    Returns:
        ModelView: With kinds told apart.

    Raises:
        NotWeightsError: There is no model in it.
    """
    paths = [entry.path for entry in entries]
    models = list(dict.fromkeys(m[1] for m in map(_MODEL.match, paths) if m))
    if models:
        return _snapshot(entries, models, origin, ordered)
    if any(p.startswith(("/updater/", "/extensions/", "/extension_triggers/")) for p in paths):
        raise NotWeightsError(f"{origin}: is a trainer snapshot that holds no model")
    if is_optimizer(paths):
        raise NotWeightsError(
            f"{origin}: holds the state of an optimizer, not a model; give the file that "
            "save_npz(..., model) wrote, or the trainer's snapshot"
        )
    return ModelView(Listing(infer_kinds(entries), origin, ordered))


def is_optimizer(paths: Sequence[str]) -> bool:
    """Whether these are the entries of a saved Chainer optimizer."""
    root = {p for p in paths if p.count("/") == 1}
    others = [p for p in paths if p.count("/") > 1]
    known = root == {"/t", "/epoch"} or (root == {"/t"} and bool(others))
    return known and all(p.rpartition("/")[2] in _STATES for p in others)


def _snapshot(entries: Sequence[Entry], models: list[str], origin: str, ordered: bool) -> ModelView:
    trained = _optimizer_targets([e.path for e in entries], models)
    inside = [e for e in entries if any(e.path.startswith(m + "/") for m in models)]
    prefix = models[0] if len(models) == 1 else ""
    stripped = tuple(replace(e, path=e.path[len(prefix) :]) for e in inside)
    note = f"a trainer snapshot; the model is at {', '.join(models)}"
    if len(models) > 1:
        note += f"; choose one with {origin}::{models[0]}"
    left = len(entries) - len(inside)
    note += f"; {left} entries of optimizers, iterators and extensions are left out"
    known = {path[len(prefix) :] for path in trained}
    return ModelView(Listing(infer_kinds(stripped, known), origin, ordered), prefix, (note,))


def _optimizer_targets(paths: Sequence[str], models: Sequence[str]) -> set[str]:
    """Parameters, as the optimizer's state beside the model names them."""
    known = set()
    for path in paths:
        match = _OPTIMIZER.match(path)
        if match and path.rpartition("/")[2] in _STATES:
            model = f"{match[1]}model:{match[2]}"
            parameter = path[match.end() - 1 :].rpartition("/")[0]
            if model in models and parameter:
                known.add(model + parameter)
    return known
