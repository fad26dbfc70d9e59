"""Processes that start afresh (spawn, forkserver) must get the patches before Chainer.

A worker of ``MultiprocessIterator`` unpickles a function of Chainer before any code of the
user's runs there; without the patches it dies, and the iterator waits for ever. What a new
process unpickles first is multiprocessing's preparation data, so the patches ride along in it.
"""

from __future__ import annotations

import functools
import importlib
import os
from typing import Any

from chainer_ft.compat import _child
from chainer_ft.compat._patch import Patch
from chainer_ft.compat._patches import numpy_aliases
from chainer_ft.compat._probe import children_need_patches

_KEY = "chainer_ft"


class RideAlong:
    """Unpickled in a new process, it runs `chainer_ft.compat._child` there.

    By its path and with ``runpy``: the new process has neither ``sys.path`` nor the patches
    yet, so nothing of chainer_ft can be named by its import path.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        import runpy

        path = os.path.abspath(_child.__file__)
        if not os.path.isfile(path):  # chainer_ft lies in a zip file: the path will have to do
            return importlib.import_module, ("chainer_ft",)
        settings = {"legacy_aliases": numpy_aliases.requested()}
        return runpy.run_path, (path, settings, _child.RUN_NAME)


def _extend_preparation_data(module: Any) -> None:
    get_preparation_data = module.get_preparation_data

    @functools.wraps(get_preparation_data)
    def get_with_patches(name: str) -> dict[str, Any]:
        return {_KEY: RideAlong(), **get_preparation_data(name)}

    module.get_preparation_data = get_with_patches


PATCHES = (
    Patch(
        name="spawn-children",
        module="multiprocessing.spawn",
        where="chainer/iterators/multiprocess_iterator.py:464",
        reason="A process started by spawn or forkserver (the default from Python 3.14) imports "
        "Chainer without the patches, and MultiprocessIterator hangs.",
        needed=children_need_patches,
        apply=_extend_preparation_data,
    ),
)
