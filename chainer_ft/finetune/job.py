"""What features are computed of: a function of batches, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import chainer
import numpy as np

from chainer_ft.finetune.examples import Examples
from chainer_ft.finetune.moment import observed, unnoticed
from chainer_ft.finetune.split import NotReady
from chainer_ft.training.parameters import tuning_of


@dataclass(frozen=True)
class Job:
    """What is computed, and how.

    Args:
        function: What is called with a batch: a model with its loss, say.
        model: The link that holds all that is frozen and all that trains.
        examples: What the batches are made of.
        size: Samples in a batch.
        converter: Makes a batch of a list of examples.
        device: Where the batch goes.
        training: Whether the function is called as in training, with every sample in another
            batch each time; else as in an evaluation, in order.
        reporter: Who knows the model's links by name, if somebody does.
    """

    function: Callable[..., Any]
    model: chainer.Link
    examples: Examples
    size: int
    converter: Callable[..., Any] = chainer.dataset.concat_examples
    device: Any = None
    training: bool = True
    reporter: Any = field(default=None, repr=False)

    @property
    def chunk(self) -> int:
        """Samples that are computed at once; a training fills its last batch up."""
        return self.size if self.training else min(self.size, len(self.examples))

    @property
    def has_frozen(self) -> bool:
        """Whether a parameter is frozen."""
        return any(tuning_of(param).frozen for param in self.model.params())

    def check(self) -> None:
        """See that the model is complete, and the examples are no others next time.

        Raises:
            CannotSplit: They are.
        """
        for path, param in self.model.namedparams():
            if param.array is None:
                raise NotReady(f"{path} has no array before the first batch")
        self.examples.check()

    def batch(self, rows: Sequence[int] | np.ndarray) -> Any:
        """The batch of these rows, converted."""
        return self.converted(self.examples.batch(rows))

    def converted(self, examples: Sequence[Any]) -> Any:
        """A batch of these examples."""
        return chainer.dataset.convert._call_converter(self.converter, examples, self.device)

    @contextmanager
    def watched(self) -> Iterator[dict[str, Any]]:
        """Call the function in here, and nothing will have happened; gives what it reports."""
        with ExitStack() as stack:
            stack.enter_context(unnoticed(self.model))
            if not self.training:
                stack.enter_context(chainer.using_config("train", False))
                stack.enter_context(chainer.no_backprop_mode())
            yield stack.enter_context(observed(self.reporter))
