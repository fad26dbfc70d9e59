"""Pure: two listings, a policy and rules give a plan."""

from chainer_ft.planning.build import make_plan
from chainer_ft.planning.checks import check, checked_floor
from chainer_ft.planning.rules import Rules

__all__ = ["Rules", "check", "checked_floor", "make_plan"]
