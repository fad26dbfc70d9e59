"""What ``model.npz`` says of itself: where it comes from, its classes, what its input is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chainer_ft.finetune.building import Built
from chainer_ft.finetune.contenders import Contender
from chainer_ft.formats.provenance import SCHEMA, versions, with_hash
from chainer_ft.images.statistics import Statistics
from chainer_ft.links import origins

if TYPE_CHECKING:
    from chainer_ft.finetune.training import Setup


def provenance_of(
    setup: Setup, built: Built, contender: Contender, seen: Statistics
) -> dict[str, Any]:
    """The provenance of a net that was trained, with all that using it needs.

    Under ``fine_tuning`` stand ``classes``, ``preprocessing`` with the statistics of the images
    that were ``seen``, ``head`` and the ``settings``.
    """
    known = origins(built.model).get("/")
    base = with_hash(known) if known else {"schema": SCHEMA, "sources": [], "versions": versions()}
    told = {
        "classes": list(setup.images.classes),
        "preprocessing": replace(setup.preprocessing, statistics=seen).to_dict(),
        "head": built.head.now.path,
        "contender": contender.name,
        "settings": setup.settings.to_dict(),
    }
    return {**base, "fine_tuning": told}
