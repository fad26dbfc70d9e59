"""What every data layer is given besides its own parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainer_ft.caffe.data.draws import Draws
from chainer_ft.caffe.message import Message
from chainer_ft.errors import UsageError


@dataclass(frozen=True)
class Options:
    """Phase, seed and folder.

    Args:
        phase: ``TRAIN`` or ``TEST``.
        seed: Of mirrors, crops, shuffles and fillers; a fresh one if ``None``.
        root: Folder that paths are relative to; the current one by default, as in Caffe.
    """

    phase: str = "TRAIN"
    seed: int | None = None
    root: str = ""

    @property
    def train(self) -> bool:
        """Whether the phase is TRAIN."""
        return self.phase == "TRAIN"

    def draws(self, name: str) -> Draws:
        """The random numbers of a layer."""
        return Draws(self.seed, f"{self.phase}/{name}")


def needed(layer: Message, param: Message, field: str) -> Any:
    """A field that a layer cannot do without.

    Raises:
        UsageError: It is missing, or 0.
    """
    value = getattr(param, field)
    if not value:
        raise UsageError(
            f"{param.where(field)}: layer {layer.name!r} ({layer.type}) needs a {field}"
        )
    return value
