"""A VGG-19 as Chainer 1 on Python 2 pickled it: write it, or time ``cPickle.load`` of it.

Runs on Python 2.7 with NumPy 1.x, the environment that such files come from; stub classes stand
in for Chainer's, which takes nothing from the time:

    python2.7 benchmarks/old_pickle.py write FILE
    python2.7 benchmarks/old_pickle.py load FILE
"""

import sys
import time
import types

import numpy as np

if sys.version_info[0] == 2:  # noqa: UP036  runs on Python 2, too
    import cPickle as pickle  # noqa: N813
else:
    import pickle


class Link(object):  # noqa: UP004  Python 2
    """What the pickle calls chainer.links.Link."""


def install_stub():
    """Let ``chainer.links.Link`` be found."""
    package, links = types.ModuleType("chainer"), types.ModuleType("chainer.links")
    package.links, links.Link, Link.__module__ = links, Link, "chainer.links"
    sys.modules.update({"chainer": package, "chainer.links": links})


def vgg19():
    """Links with the registries of Chainer 1.5 and random numbers."""
    root, width, shapes = Link(), 3, []
    root._params, root._persistent, root._children = [], [], []
    for stage, channels, count in ((1, 64, 2), (2, 128, 2), (3, 256, 4), (4, 512, 4), (5, 512, 4)):
        for number in range(1, count + 1):
            shapes.append(("conv%d_%d" % (stage, number), (channels, width, 3, 3)))  # noqa: UP031
            width = channels
    shapes += [("fc6", (4096, 25088)), ("fc7", (4096, 4096)), ("fc8", (1000, 4096))]
    for name, shape in shapes:
        link = Link()
        link._params, link._persistent = ["W", "b"], []
        link.W, link.b = np.random.rand(*shape).astype("f"), np.zeros(shape[0], "f")
        setattr(root, name, link)
        root._children.append(name)
    return root


def main(action, path):
    """Write or load, and print the seconds of loading."""
    install_stub()
    if action == "write":
        with open(path, "wb") as file:
            pickle.dump(vgg19(), file, 2)
        return
    start = time.time()
    with open(path, "rb") as file:
        pickle.load(file)
    print("%.3f" % (time.time() - start))


if __name__ == "__main__":
    main(*sys.argv[1:])
