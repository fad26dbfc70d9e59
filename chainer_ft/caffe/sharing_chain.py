"""A chain whose children may share parameters."""

from __future__ import annotations

from collections.abc import Iterator

import chainer


class SharingChain(chainer.Chain):  # type: ignore[misc]
    """A :class:`~chainer.Chain` that names every parameter once.

    Chainer's own names a parameter once for each link that has it, and optimizers update it as
    often.
    """

    def params(self, include_uninit: bool = True) -> Iterator[chainer.Parameter]:
        """Every parameter once: optimizers update what they are given, and layers may share."""
        return (param for _, param in self.namedparams(include_uninit))

    def namedparams(self, include_uninit: bool = True) -> Iterator[tuple[str, chainer.Parameter]]:
        """Every parameter once, under the path of its first layer."""
        seen = set[int]()
        for path, param in super().namedparams(include_uninit):
            if id(param) not in seen:
                seen.add(id(param))
                yield path, param
