"""The host that functions use when they are given none."""

from __future__ import annotations

from chainer_ft.host.host import Host

_default: list[Host] = []


def default_host() -> Host:
    """The host that functions use when they are given none; made on first use."""
    if not _default:
        _default.append(Host())
    return _default[0]


def set_default_host(host: Host | None) -> None:
    """Use this host from now on; ``None`` makes a new one on the next use."""
    _default[:] = [] if host is None else [host]
