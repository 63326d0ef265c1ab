"""What fastai's Learner is given beside the common callbacks: batches, losses, masks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from harness.neural.learner import Callback
from harness_birdclef.models.examples import Batch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOCUS = 2.0
"""Exponent of the focal loss, as in Lin et al. 2017."""
MASK_MELS, MASK_FRAMES = 0.15, 0.15
"""Widest masks of SpecAugment (Park et al. 2019), as shares of bands and frames."""

Draw = Callable[[np.random.Generator, int, Any], Batch]


class Loader:
    """Batches of an epoch: spectrograms, targets, weights; the same for the same seed, whatever the threads.

    Attributes
    ----------
    n_inp : int
        fastai's word for how many of a batch's parts go into the model.
    """

    n_inp = 1

    def __init__(
        self,
        draw: Draw,
        front_end: Callable[[np.ndarray[Any, Any]], Tensor],
        examples: int,
        size: int,
        seed: int,
        threads: int = 0,
        labels: Callable[[Tensor], list[str]] | None = None,
        axes_text: str = "",
    ) -> None:
        self.draw, self.front_end, self.size, self.seed, self.threads = draw, front_end, size, seed, threads
        self.steps, self.epoch = max(1, math.ceil(examples / size)), 0
        self.labels, self.axes_text = labels, axes_text
        self.fixed = False
        self._memory: np.ndarray[Any, Any] | None = None
        self.dataset = range(self.steps * size)
        self.device = torch.device("cpu")

    def __len__(self) -> int:
        """Return the steps of an epoch."""
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield batches; every epoch draws others, but for a fixed loader."""
        epoch, self.epoch = self.epoch, self.epoch + (not self.fixed)
        if not self.threads:
            for step in range(self.steps):
                batch = self._batch(epoch, step, self._memory)
                self._memory = batch.samples
                yield self._tensors(batch)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            ahead = 2 * self.threads
            waiting = [pool.submit(self._batch, epoch, step) for step in range(min(ahead, self.steps))]
            for step in range(self.steps):
                batch = waiting.pop(0).result()
                if step + ahead < self.steps:
                    waiting.append(pool.submit(self._batch, epoch, step + ahead))
                yield self._tensors(batch)

    def to(self, device: Any) -> Loader:
        """Note the device, as fastai asks."""
        self.device = torch.device(device)
        return self

    def one_batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return a first batch."""
        return self._tensors(self._batch(0, 0))

    def _batch(self, epoch: int, step: int, into: np.ndarray[Any, Any] | None = None) -> Batch:
        return self.draw(np.random.default_rng([self.seed, epoch, step]), self.size, into)

    def _tensors(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        return self.front_end(batch.samples), torch.from_numpy(batch.targets), torch.from_numpy(batch.weights)

    def show_batch(self, rows: int = 3, columns: int = 3) -> Figure:
        """Draw the spectrograms of a batch with their labels."""
        from harness_birdclef.models.pictures import batch_figure

        spectrograms, targets, _ = self.one_batch()
        titles = [] if self.labels is None else self.labels(targets)
        return batch_figure(spectrograms.cpu().numpy(), titles, rows, columns, self.axes_text)


def multilabel_loss(kind: Literal["bce", "focal"], smoothing: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return ``loss(logits, targets, weights)`` of several labels, (b, k) each; rows of weight 0 do not count."""

    def loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        smooth = targets * (1 - smoothing) + smoothing / 2
        entropy = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
        if kind == "focal":
            chance = torch.sigmoid(logits)
            entropy = entropy * (smooth - chance).abs() ** FOCUS
        return (entropy * weights).sum() / weights.sum().clamp(min=1)

    return loss


def single_label_loss(smoothing: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return ``loss(logits, shares, weights)`` of one label a row."""

    def loss(logits: Tensor, shares: Tensor, weights: Tensor) -> Tensor:  # noqa: ARG001
        return functional.cross_entropy(logits, shares, label_smoothing=smoothing)

    return loss


class Masks(Callback):  # type: ignore[misc]
    """SpecAugment: a band of frequencies and a stretch of time are set to the spectrogram's mean, while training."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng([seed, 1])

    def before_batch(self) -> None:
        """Mask each spectrogram of a training batch."""
        if not self.training:
            return
        (spectrograms,) = self.learn.xb
        spectrograms = spectrograms.clone()
        _, mels, frames = spectrograms.shape
        for one in spectrograms:
            mean = one.mean()
            first, last = self._part(mels, MASK_MELS)
            one[first:last] = mean
            first, last = self._part(frames, MASK_FRAMES)
            one[:, first:last] = mean
        self.learn.xb = (spectrograms,)

    def _part(self, size: int, widest: float) -> tuple[int, int]:
        width = int(self.generator.uniform(0, widest) * size)
        begin = int(self.generator.integers(0, size - width + 1))
        return begin, begin + width
