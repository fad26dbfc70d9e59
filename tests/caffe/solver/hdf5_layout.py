"""What an HDF5 file is made of, as another reader sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py


def layout(path: Path) -> dict[str, Any]:
    """Everything in an HDF5 file that another reader could notice."""
    seen: dict[str, Any] = {}

    def note(name: str, thing: Any) -> None:
        if isinstance(thing, h5py.Group):
            seen[name] = sorted(thing)
            return
        kind, plist = thing.id.get_type(), thing.id.get_create_plist()
        string = (
            (kind.get_strpad(), kind.get_cset()) if isinstance(kind, h5py.h5t.TypeStringID) else ()
        )
        seen[name] = (thing.shape, thing.dtype.str, string, plist.get_layout(), thing[()].tobytes())

    with h5py.File(path) as file:
        file.visititems(note)
    return seen
