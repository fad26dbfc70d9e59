"""Caffe's layers, one small file for each family."""

from chainer_ft.caffe.layers.table import DATA_LAYERS, KINDS, LOSSES, UNSUPPORTED, Kind

__all__ = ["DATA_LAYERS", "KINDS", "LOSSES", "UNSUPPORTED", "Kind"]
