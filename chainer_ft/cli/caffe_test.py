"""``chainer-ft caffe test``: the outputs of a net over batches of its own data."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import closing
from functools import partial

from chainer_ft.cli.caffe import announce, device, names
from chainer_ft.cli.iterations import Bar


def run(options: Namespace) -> int:
    """Run the command."""
    from chainer_ft.caffe import Net
    from chainer_ft.caffe.data import feeder
    from chainer_ft.caffe.message import Message
    from chainer_ft.caffe.scoring import score_net
    from chainer_ft.caffe.solver.feeding import Feeds
    from chainer_ft.caffe.solver.lines import SolverLog
    from chainer_ft.caffe.solver.log import Log
    from chainer_ft.caffe.solver.running import Running
    from chainer_ft.caffe.solver.setup import left_alone
    from chainer_ft.caffe.solver.weights import copy_weights

    with Bar(options.iterations, sys.stderr) as bar:
        log = Log(bar)
        place = announce(log, device(options.gpu))
        net = Net(options.model, "TEST", names(options.stage), options.level)
        net.to_device(place)
        with closing(Feeds(net.data_layers, "TEST", partial(feeder, log=log))) as feeds:
            running = Running(net, feeds)
            running.prepare()
            lines = SolverLog(log, Message("SolverParameter"))
            plans = [copy_weights(net, path, lines.ignoring) for path in names(options.weights)]
            lines.left_at_filler(left_alone(plans))
            score_net(running, options.iterations, log, bar.show)
    return 0
