"""The fixture of chainer_ft; alone, ``pytest_plugins`` would do."""

from chainer_ft.testing.pytest_plugin import chainer_ft_host

__all__ = ["chainer_ft_host"]
