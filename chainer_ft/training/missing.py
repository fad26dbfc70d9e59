"""Extensions that a snapshot was taken with, and that the script lacks."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

_log = logging.getLogger("chainer_ft")


def tell_of_missing(saved: Iterable[str], names: Collection[str]) -> None:
    """Say which extensions that decide something were there, and are not.

    Args:
        saved: Their names in the snapshot.
        names: The names of all extensions of the script.
    """
    for name in saved:
        if name not in names:
            _log.warning(
                "the snapshot was taken with the extension %s, which the script lacks: nothing "
                "goes on with it, and what it has frozen or multiplied stays as it was",
                name,
            )
