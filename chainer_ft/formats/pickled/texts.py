"""Names, lists of names and dictionaries among the records, each read once."""

from __future__ import annotations

from typing import Any

from chainer_ft.errors import FormatError, UnsafeError
from chainer_ft.formats.pickled.records import Bag, Call, Mapping, Raw
from chainer_ft.formats.pickled.strings import LONGEST_TEXT, pieces, short_text

#: Steps over the records of one file, and letters of all paths; a net of 10,000 links takes
#: two million.
MOST_STEPS = 20_000_000
#: Ten times a net of a thousand layers, and less for small files: a kilobyte can hold links in
#: links in links that come to 10**12 paths.
SPARE_PATHS, BYTES_A_PATH, MOST_PATHS = 5_000, 20, 100_000


class Texts:
    """Reads records of one stream as texts.

    A record may stand in a thousand places; what was made of it is kept, so that no stream
    can make the same work, or the same text, a thousand times.

    Args:
        data: The stream.
        path: For messages.
    """

    def __init__(self, data: Any, path: str) -> None:
        self.data, self.path = data, path
        self._steps = MOST_STEPS
        self._most_paths = min(SPARE_PATHS + len(data) // BYTES_A_PATH, MOST_PATHS)
        self._paths = 0
        self._known: dict[Raw, str | None] = {}
        self._dictionaries: dict[Mapping, dict[str, Any]] = {}
        self._names: dict[int, list[str]] = {}

    def spend(self, steps: int) -> None:
        """Count steps.

        Raises:
            UnsafeError: There were more than any model needs.
        """
        self._steps -= steps
        if self._steps < 0:
            raise UnsafeError(f"{self.path}: is tangled beyond what any model needs")

    def count_path(self, count: int = 1) -> None:
        """Count links or arrays.

        Raises:
            UnsafeError: There were more than any model has.
        """
        self._paths += count
        if self._paths > self._most_paths:
            raise UnsafeError(
                f"{self.path}: more than {self._most_paths:,} paths; this is no model"
            )

    def text(self, raw: Any) -> str | None:
        """A short string, ``None`` for anything else."""
        if not isinstance(raw, Raw):
            return raw if isinstance(raw, str) else None
        if raw not in self._known:
            self._known[raw] = short_text(self.data, raw)
        return self._known[raw]

    def string(self, record: Any) -> str | bytes | None:
        """A short string as NumPy would take it; Python 2's str is bytes."""
        inner = self.encoded(record)
        raw = record if inner is None else inner
        if not isinstance(raw, Raw) or len(raw) > LONGEST_TEXT:
            return None
        if inner is None and raw.coding in ("text", "unicode"):
            return self.text(raw)
        try:
            return b"".join(pieces(self.data, raw, inner is not None, self.path))
        except FormatError:
            return None

    def key(self, record: Any, index: int) -> str:
        """What to call a place: a text or a number, or else its index."""
        return self.text(record) or str(record if type(record) is int else index)

    def encoded(self, record: Any) -> Raw | None:
        """The text in ``_codecs.encode(text, 'latin1')``, Python 3's old way to write bytes."""
        if not isinstance(record, Call) or record.name != "_codecs.encode":
            return None
        text, encoding, *_ = (*record.args, None, None)
        right = isinstance(text, Raw) and self.text(encoding) in ("latin1", "latin-1")
        return text if right else None

    def dictionary(self, record: Any) -> dict[str, Any]:
        """A dictionary by its text keys, not to be changed; the last value of a key wins."""
        if not isinstance(record, Mapping):
            return {}
        if record not in self._dictionaries:
            pairs = ((self.text(key), value) for key, value in record.pairs)
            self._dictionaries[record] = {key: value for key, value in pairs if key is not None}
        return self._dictionaries[record]

    def names(self, record: Any) -> list[str]:
        """The strings in a list, tuple, set or the keys of a dictionary, in order, each once."""
        if isinstance(record, Mapping):
            return list(self.dictionary(record))
        items = _items(record)
        if id(items) not in self._names:
            texts = (self.text(item) for item in items)
            self._names[id(items)] = list(dict.fromkeys(t for t in texts if t is not None))
        return self._names[id(items)]


def _items(record: Any) -> Any:
    if isinstance(record, (list, tuple)):
        return record
    if isinstance(record, Bag):
        return record.items
    if isinstance(record, Call) and record.args:  # __builtin__.set([...]), and dill's spelling
        return record.args[0] if isinstance(record.args[0], list) else ()
    return ()
