"""The frozen dataclasses that hooks return and plans are made of."""

from chainer_ft.types.entries import Entry, Kind, Listing, no_link
from chainer_ft.types.hooks import (
    CaffeLayer,
    ExtensionFactory,
    MatchPolicy,
    Saver,
    SourceLoader,
    Subcommand,
)
from chainer_ft.types.plan import Clash, Outcome, Pair, Plan, Skip, Tie
from chainer_ft.types.source import Source

__all__ = [
    "CaffeLayer",
    "Clash",
    "Entry",
    "ExtensionFactory",
    "Kind",
    "Listing",
    "MatchPolicy",
    "Outcome",
    "Pair",
    "Plan",
    "Saver",
    "Skip",
    "Source",
    "SourceLoader",
    "Subcommand",
    "Tie",
    "no_link",
]
