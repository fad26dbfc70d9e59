"""Which paths: predicates with a readable repr, made from globs, types, functions and slices."""

from chainer_ft.select.globs import Glob, escaped, hits, nearest
from chainer_ft.select.predicates import Calls, Is, OfType, Regex
from chainer_ft.select.selections import Selection, all_but, first, last, predicate, until
from chainer_ft.select.sites import Predicate, Site
from chainer_ft.select.slices import AllBut, AnyOf, First, Last, Until
from chainer_ft.select.texts import parse, text_of

__all__ = [
    "AllBut",
    "AnyOf",
    "Calls",
    "First",
    "Glob",
    "Is",
    "Last",
    "OfType",
    "Predicate",
    "Regex",
    "Selection",
    "Site",
    "Until",
    "all_but",
    "escaped",
    "first",
    "hits",
    "last",
    "nearest",
    "parse",
    "predicate",
    "text_of",
    "until",
]
