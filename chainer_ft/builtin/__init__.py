"""The built-in plugins, through exactly the hooks that third parties use."""

from chainer_ft.builtin import formats, policies, verbs

PLUGINS = {
    "builtin.formats": formats,
    "builtin.policies": policies,
    "builtin.verbs": verbs,
}
