"""A plugin for chainer_ft: the ``.weights`` format and the policy ``suffix``."""
