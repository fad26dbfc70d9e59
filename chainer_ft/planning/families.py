"""Which link types mean the same operation, so that equal shapes mean equal weights."""

from __future__ import annotations

from chainer_ft.types import Entry

_FAMILIES = (
    "Convolution1D Convolution2D Convolution3D ConvolutionND DilatedConvolution2D Convolution",
    "Deconvolution1D Deconvolution2D Deconvolution3D DeconvolutionND Deconvolution",
    "DepthwiseConvolution2D",
    "Linear InnerProduct",
    "EmbedID Embed",
    "BatchNormalization BatchRenormalization DecorrelatedBatchNormalization "
    "MultiNodeBatchNormalization BatchNorm",
    "LayerNormalization",
    "GroupNormalization",
    "Scale",
    "Bias",
    "PReLU",
    "Bilinear",
    "Maxout",
    "Highway",
    "LSTM StatelessLSTM",
    "GRU StatefulGRU StatelessGRU",
)
_FAMILY = {name: i for i, names in enumerate(_FAMILIES) for name in names.split()}


def compatible(source: Entry, target: Entry) -> bool:
    """Whether two links may be the same operation: false only where both are known to differ.

    A subclass counts as what it derives from; a class of the user's own counts as anything.

    Example:
        >>> conv = Entry("/a/W", (4, 4), link_type="MyConv", bases=("Convolution2D",))
        >>> embed = Entry("/a/W", (4, 4), link_type="EmbedID")
        >>> compatible(conv, embed), compatible(conv, Entry("/a/W", (4, 4)))
        (False, True)
    """
    one, other = _family(source), _family(target)
    return one is None or other is None or one == other


def family(entry: Entry) -> int | None:
    """Number of the family, ``None`` for a type that is not in the table."""
    return _family(entry)


def _family(entry: Entry) -> int | None:
    names = (entry.link_type or "", *entry.bases)
    return next((_FAMILY[name] for name in names if name in _FAMILY), None)
