"""The built-in plugins, through exactly the hooks that third parties use."""

from chainer_ft.builtin import extensions, formats, policies, verbs

PLUGINS = {
    "builtin.extensions": extensions,
    "builtin.formats": formats,
    "builtin.policies": policies,
    "builtin.verbs": verbs,
}
