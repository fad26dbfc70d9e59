"""The plugin host: load, isolate, block, list, find conflicts."""

from chainer_ft.host.default import default_host, set_default_host
from chainer_ft.host.host import Host, hookimpl
from chainer_ft.host.records import PluginRecord, Provided

__all__ = ["Host", "PluginRecord", "Provided", "default_host", "hookimpl", "set_default_host"]
