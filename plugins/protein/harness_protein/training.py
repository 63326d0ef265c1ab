"""What every network's training shares: labelled batches of like length, the loss, the optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from harness.data import Examples
from harness.neural.learner import OptimWrapper
from harness_protein.ulmfit.batches import Buckets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Tokens = NDArray[np.int64]

LEAST = 2
"""Sequences of a batch: batch normalization needs two."""

# fastai's own optimizers loop over parameters in Python
adam_w = partial(OptimWrapper, opt=partial(torch.optim.AdamW, fused=True))


class Labelled(Buckets):
    """Yields (tokens (b, t), codes of classes (b,), weights (b,)); the weights of all rows have a mean of 1.

    Parameters
    ----------
    seed : int or None
        None: the same batches each time.
    """

    def __init__(self, sequences: Sequence[Tokens], examples: Examples, size: int, seed: int | None) -> None:
        super().__init__(sequences, size, seed, LEAST)
        assert examples.targets is not None
        self.codes = torch.from_numpy(np.asarray(examples.targets, np.int64))
        weights = np.ones(len(examples)) if examples.weights is None else examples.weights
        self.weights = torch.from_numpy((weights / weights.mean()).astype(np.float32))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:  # type: ignore[override]
        """Yield the batches of one epoch."""
        for tokens, picked in super().__iter__():
            rows = picked.cpu()
            yield tokens, self.codes[rows].to(self.device), self.weights[rows].to(self.device)

    def one_batch(self) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """Return a first batch."""
        rows = self._drawn[0]
        return self.padded(rows).to(self.device), self.codes[rows].to(self.device), self.weights[rows].to(self.device)

    def class_weights(self, classes: int) -> Tensor:
        """Return weights (classes,) that let each class weigh the same in total."""
        counts = torch.bincount(self.codes, minlength=classes).clamp(min=1)
        return (counts.sum() / (len(counts) * counts)).float().to(self.device)


def loss_of(smoothing: float, class_weights: Tensor | None) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return ``loss(logits, codes, weights)``: the weighted mean of the rows' smoothed cross-entropy."""

    def loss(logits: Tensor, codes: Tensor, weights: Tensor) -> Tensor:
        each = functional.cross_entropy(
            logits, codes, weight=class_weights, label_smoothing=smoothing, reduction="none"
        )
        return (each * weights).mean()

    return loss
