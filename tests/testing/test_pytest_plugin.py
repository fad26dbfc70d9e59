"""The fixture for plugin authors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chainer_ft import builtin
from chainer_ft.errors import PluginError
from chainer_ft.host import Host, default_host, hookimpl
from chainer_ft.testing.pytest_plugin import chainer_ft_host
from chainer_ft.types import Saver

__all__ = ["chainer_ft_host"]


@pytest.fixture
def afterwards() -> Any:
    """Set up first, so torn down last."""
    yield
    assert len(default_host().records()) == len(builtin.PLUGINS)


def test_it_is_everybodys_host(afterwards: None, chainer_ft_host: Host) -> None:
    assert default_host() is chainer_ft_host
    records = chainer_ft_host.records()
    assert [record.name for record in records] == list(builtin.PLUGINS)
    assert {record.distribution for record in records} == {"chainer-ft"}


def test_what_a_plugin_raises_is_raised(chainer_ft_host: Host) -> None:
    @hookimpl
    def chainer_ft_savers() -> list[Any]:
        raise KeyError("W")

    chainer_ft_host.register(SimpleNamespace(chainer_ft_savers=chainer_ft_savers), "mine")
    with pytest.raises(PluginError, match="KeyError: 'W'"):
        chainer_ft_host.all(Saver)
