"""Install a plugin for a test, without pip."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def write_distribution(
    folder: str | os.PathLike[str],
    name: str,
    entry_points: Mapping[str, str],
    files: Mapping[str, str],
    version: str = "1.0",
) -> Path:
    """Write modules and a ``.dist-info`` into a folder, which then goes on ``PYTHONPATH``.

    Args:
        folder: Where to; made if it is missing.
        name: Of the distribution.
        entry_points: Of the group ``chainer_ft``, name to ``module`` or ``module:object``.
        files: Relative path to text.
        version: Of the distribution.

    Returns:
        pathlib.Path: The folder.

    Example:
        >>> import tempfile
        >>> points, files = {"my": "my"}, {"my.py": "import chainer_ft"}
        >>> place = write_distribution(tempfile.mkdtemp(), "my-plugin", points, files)
        >>> sorted(path.name for path in place.iterdir())
        ['my.py', 'my_plugin-1.0.dist-info']
    """
    place = Path(folder)
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    points = "".join(f"{key} = {value}\n" for key, value in entry_points.items())
    texts = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/entry_points.txt": f"[chainer_ft]\n{points}",
    }
    for path, text in texts.items():
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return place
