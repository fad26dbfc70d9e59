"""Fixtures for plugin authors: ``pytest_plugins = ["chainer_ft.testing.pytest_plugin"]``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chainer_ft.host import Host, set_default_host
from chainer_ft.host.selection import Selection


@pytest.fixture
def chainer_ft_host() -> Iterator[Host]:
    """A host without installed plugins, in use for the length of a test; ``register`` yours.

    What your plugin raises is raised, as under ``CHAINER_FT_STRICT_PLUGINS=1``.
    """
    host = Host(Selection(strict=True), installed=False)
    set_default_host(host)
    yield host
    set_default_host(None)
