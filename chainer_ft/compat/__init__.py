"""Makes unmodified Chainer 7.8.1 import and run on today's Python, NumPy, protobuf and CuPy.

``import chainer_ft`` installs it. Nothing of Chainer is changed on disk: an import hook patches
the few modules that need it while they are imported, and only where the installed libraries
no longer behave as Chainer expects. ``docs/compat.md`` lists every patch and its reason.
``CHAINER_FT_COMPAT_SKIP=name,name`` switches patches off, ``all`` all of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from chainer_ft.compat import _script
from chainer_ft.compat._hook import PatchingFinder
from chainer_ft.compat._patch import CompatWarning, Patch, PatchStatus
from chainer_ft.compat._patches import PATCHES, numpy_aliases
from chainer_ft.compat._registry import Registry

__all__ = [
    "CompatWarning",
    "Patch",
    "PatchStatus",
    "install",
    "legacy_aliases",
    "run_script",
    "status",
]

_registry = Registry(PATCHES)
_finder = PatchingFinder(_registry)


def install() -> None:
    """Put the import hook in place; modules that were imported before are patched at once.

    Safe to call again. It imports neither Chainer nor NumPy.

    Example:
        >>> from chainer_ft import compat
        >>> compat.install()
    """
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _forget_failed_import()
    _registry.check_skipped()
    _registry.catch_up()


def _forget_failed_import() -> None:
    """Drop what an ``import chainer`` that failed has left; it would break the next one."""
    if "chainer" not in sys.modules:
        for name in [name for name in sys.modules if name.startswith("chainer.")]:
            del sys.modules[name]


def status() -> tuple[PatchStatus, ...]:
    """What became of every patch in this process.

    Returns:
        One entry a patch: its name, module, place in Chainer, reason and state.

    Example:
        >>> from chainer_ft import compat
        >>> "caffe-pb2" in [patch.name for patch in compat.status()]
        True
    """
    return _registry.status()


def legacy_aliases() -> None:
    """Bring back ``np.float``, ``np.int``, ``np.product`` and the like, for old scripts.

    Chainer does not need them, so nothing sets them unless this is called. Processes that
    multiprocessing starts later have them too. A few names that the standard library dropped
    (``collections.Iterable``, ``time.clock``, ``inspect.getargspec``) come with them.

    Example:
        >>> from chainer_ft import compat
        >>> compat.legacy_aliases()
        >>> import numpy as np
        >>> np.float is float
        True
    """
    numpy_aliases.request()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        for patch in numpy_aliases.PATCHES:
            _registry.apply(patch, numpy)


def run_script(path: str | os.PathLike[str], argv: Sequence[str] = ()) -> None:
    """Run an unmodified old script with the patches and the legacy aliases in place.

    The script is ``__main__``; ``sys.argv`` and ``sys.path[0]`` are what ``python SCRIPT``
    would set. Its exceptions, ``SystemExit`` among them, reach the caller.

    Args:
        path: The script, or a folder or zip file with a ``__main__.py``.
        argv: Its arguments.

    Raises:
        UsageError: There is no such script.

    Example:
        >>> import pathlib, tempfile
        >>> from chainer_ft import compat
        >>> script = pathlib.Path(tempfile.mkdtemp()) / "old.py"
        >>> _ = script.write_text("import sys, numpy as np; print(sys.argv[1:], np.int('7'))")
        >>> compat.run_script(script, ["--epoch", "2"])
        ['--epoch', '2'] 7
    """
    install()
    legacy_aliases()
    _script.run(path, argv)
