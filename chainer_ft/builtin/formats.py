"""The formats that Chainer people use every day."""

from __future__ import annotations

from chainer_ft.host.host import hookimpl
from chainer_ft.types import Saver, SourceLoader


@hookimpl
def chainer_ft_source_loaders() -> list[SourceLoader]:
    from chainer_ft.formats import binaryproto, caffe_hdf5, caffemodel, hdf5, npz
    from chainer_ft.formats.pickled import loader as pickled

    return [
        npz.LOADER,
        hdf5.LOADER,
        pickled.LOADER,
        caffemodel.LOADER,
        caffe_hdf5.LOADER,
        binaryproto.LOADER,
    ]


@hookimpl
def chainer_ft_savers() -> list[Saver]:
    from chainer_ft.formats import hdf5, npz
    from chainer_ft.formats.pickled import saver as pickled

    return [npz.SAVER, hdf5.SAVER, pickled.SAVER]
