"""For plugin authors: checks of what a hook returns, and a pytest fixture.

Example:
    >>> from chainer_ft.formats.npz import LOADER, SAVER
    >>> from chainer_ft.planning.by_name import POLICY
    >>> from chainer_ft.testing import check_policy, check_saver
    >>> import tempfile
    >>> check_policy(POLICY)
    >>> check_saver(SAVER, tempfile.mkdtemp(), LOADER)
"""

from chainer_ft.testing.distribution import write_distribution
from chainer_ft.testing.loaders import check_loader
from chainer_ft.testing.policies import check_policy
from chainer_ft.testing.savers import check_saver
from chainer_ft.testing.source import ArraySource

__all__ = ["ArraySource", "check_loader", "check_policy", "check_saver", "write_distribution"]
