"""``chainer-ft caffe time``: how long the layers of a net take."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import closing

from chainer_ft.cli.caffe import announce, device, names
from chainer_ft.cli.iterations import Bar


def run(options: Namespace) -> int:
    """Run the command."""
    from chainer_ft.caffe.data import feeder
    from chainer_ft.caffe.solver.feeding import Feeds
    from chainer_ft.caffe.solver.log import Log
    from chainer_ft.caffe.timing import TimedNet, time_net

    phase = options.phase or "TRAIN"
    with Bar(options.iterations, sys.stderr) as bar:
        log = Log(bar)
        place = announce(log, device(options.gpu))
        net = TimedNet(options.model, phase, names(options.stage), options.level)
        net.to_device(place)
        with closing(Feeds(net.data_layers, phase, feeder)) as feeds:
            time_net(net, feeds.next, options.iterations, log, bar.show)
    return 0
