"""What a loss is divided by."""

from __future__ import annotations

from chainer_ft.caffe.message import Message


def normalization(parameter: Message, default: str = "VALID") -> str:
    """The mode of a ``LossParameter``; ``normalize``, its old form, counts where it stands alone.

    Example:
        >>> normalization(Message("LossParameter", normalize=False))
        'BATCH_SIZE'
    """
    if parameter.has("normalization"):
        mode: str = parameter.normalization
        return mode
    if parameter.has("normalize"):
        return "VALID" if parameter.normalize else "BATCH_SIZE"
    return default


def ignored_label(parameter: Message) -> int | None:
    """The label that counts for nothing, if there is one."""
    return parameter.ignore_label if parameter.has("ignore_label") else None


def divisor(mode: str, outer: int, inner: int, valid: int) -> int:
    """Z, never less than 1.

    Args:
        mode: ``FULL``, ``VALID``, ``BATCH_SIZE`` or ``NONE``.
        outer: Items of the batch.
        inner: Places of an item.
        valid: Labels that are not ignored.
    """
    sizes = {"FULL": outer * inner, "VALID": valid, "BATCH_SIZE": outer, "NONE": 1}
    return max(1, sizes[mode])
