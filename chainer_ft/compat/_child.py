"""Runs first in a process that multiprocessing starts afresh; see ``_patches/spawn.py``."""

from __future__ import annotations

import os
import sys
from importlib import util

RUN_NAME = "chainer_ft_child"


def arrive(legacy_aliases: bool) -> None:
    """Install the patches of the parent, from the same folder as the parent's."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    spec = util.find_spec("chainer_ft")
    if spec is None or spec.origin is None or not spec.origin.startswith(root):
        sys.path.insert(0, root)  # until multiprocessing sets the parent's sys.path
    from chainer_ft import compat

    compat.install()
    if legacy_aliases:
        compat.legacy_aliases()


if __name__ == RUN_NAME:
    arrive(globals()["legacy_aliases"])
