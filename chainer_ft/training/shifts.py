"""What extensions have made of an optimizer's learning rate, through a snapshot.

Chainer keeps no hyperparameters in snapshots. ``ExponentialShift`` and some of its kin bring theirs
back when they are initialised, which is too early under ``snapshot(autoload=True)``;
``MultistepShift`` and ``WarmupShift`` begin with their first value again and are right one call
later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chainer_ft.training.plain_data import SavedNumber, number_of, plain_number


def capture(trainer: Any, extensions: Iterable[Any]) -> dict[str, dict[str, SavedNumber]]:
    """Values of the attributes that extensions shift, by optimizer."""
    values: dict[str, dict[str, SavedNumber]] = {}
    for extension, name, optimizer, attribute in _shifted(trainer, extensions):
        waiting = vars(extension).get("initialize")
        known = isinstance(waiting, _Initialize)  # loaded, and not begun
        value = waiting.value if known else getattr(optimizer, attribute)
        values.setdefault(name, {})[attribute] = plain_number(value)
    return values


def restore(
    saved: Mapping[str, Mapping[str, SavedNumber]], trainer: Any, extensions: Sequence[Any]
) -> None:
    """Give them back: now where the run has begun, else when the extensions are initialised.

    Only what an extension of the script shifts is given back; a learning rate that the script
    itself has set is its own.
    """
    is_running = trainer._start_at is not None
    for extension, name, optimizer, attribute in _shifted(trainer, extensions):
        if attribute not in saved.get(name, {}):
            continue
        value = number_of(saved[name][attribute])
        if is_running:
            setattr(optimizer, attribute, value)
        else:
            extension.initialize = _Initialize(extension, optimizer, attribute, value)


def _shifted(trainer: Any, extensions: Iterable[Any]) -> Iterator[tuple[Any, str, Any, str]]:
    """Extensions that shift a number of an optimizer, as all of Chainer's do."""
    optimizers = trainer.updater.get_all_optimizers()
    for extension in extensions:
        attribute = getattr(extension, "_attr", None)
        own = getattr(extension, "_optimizer", None) or optimizers.get("main")
        for name, optimizer in optimizers.items():
            if optimizer is own and isinstance(attribute, str) and hasattr(own, attribute):
                yield extension, name, optimizer, attribute


class _Initialize:
    """The next initialisation of an extension, and the value after it."""

    def __init__(self, extension: Any, optimizer: Any, attribute: str, value: Any) -> None:
        self.extension, self.optimizer = extension, optimizer
        self.attribute, self.value = attribute, value

    def __call__(self, trainer: Any) -> None:
        del self.extension.initialize
        plain = self.extension.initialize
        plain(trainer)
        setattr(self.optimizer, self.attribute, self.value)
