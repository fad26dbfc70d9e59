"""The exceptions of chainer_ft, each with the exit code of the command line.

Every message names the file or link path, the shapes where there are two, the plugin
where there is one, and what to type next.
"""

from __future__ import annotations


class ChainerFTError(Exception):
    """Base of everything that chainer_ft raises on purpose."""

    exit_code = 1


class RefusedError(ChainerFTError):
    """The plan does not allow the copy; nothing was written."""


class NothingMatchedError(RefusedError):
    """Not one parameter of the target would be filled."""


class CoverageError(RefusedError):
    """The plan fills less of the target than the floor asks for."""


class StrictError(RefusedError):
    """``strict`` was asked for, and an entry on either side is left over."""


class PlanRejected(RefusedError):  # noqa: N818  the name that plugins raise
    """A ``chainer_ft_plan_ready`` hook vetoed the plan."""


class ArrayError(RefusedError):
    """An array cannot go where the plan puts it (shape, dtype, not finite)."""


class UsageError(ChainerFTError):
    """The request itself is wrong: an unknown name, a missing argument."""

    exit_code = 2


class RuleError(UsageError):
    """A rename, skip, only or selection rule hits nothing, or hits twice."""


class ScheduleError(UsageError):
    """A schedule of fine-tuning is not well-formed, or does not fit the model or the run."""


class FormatError(ChainerFTError):
    """A file could not be read or written."""

    exit_code = 3


class UnknownFormatError(FormatError):
    """No loader recognises the content of the file."""


class NotWeightsError(FormatError):
    """The file is well-formed, but it is not a model (an optimizer, a web page)."""


class TruncatedError(FormatError):
    """The file ends before its content does."""


class UnsafeError(FormatError):
    """Reading this would run code from the file, or ask for absurd memory."""


class PluginError(ChainerFTError):
    """A plugin failed, or two plugins claim one name."""

    exit_code = 4
