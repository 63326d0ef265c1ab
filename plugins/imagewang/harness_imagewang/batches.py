"""Batches for fastai's Learner: images read from the cache, then whatever is made of them on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from harness_imagewang.augment import to_images

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from harness_imagewang.images import Joined, Pixels

    Rows = NDArray[np.int64]
    Make = Callable[[Tensor, Rows], tuple[Any, ...]]


class Batches:
    """One epoch of batches; every epoch deals the images anew.

    Parameters
    ----------
    pixels : Pixels or Joined
    make : callable
        ``make(images, rows)``: what fastai gets for (b, 3, h, w) images of these rows; the first part goes into the
        model.
    size : int
        Images in a batch; a last batch of fewer is left out unless it is the only one.
    seed : int or None
        None: the rows in their order, the last batch included.
    shares : (n,) float64, optional
        How often each row is drawn, as a share; None: each once.
    """

    n_inp = 1

    def __init__(
        self,
        pixels: Pixels | Joined,
        make: Make,
        size: int,
        seed: int | None,
        shares: NDArray[np.float64] | None = None,
    ) -> None:
        self.pixels, self.make, self.size, self.shares = pixels, make, size, shares
        self.generator = None if seed is None else np.random.default_rng(seed)
        self.device = torch.device("cpu")
        self.dataset = range(len(pixels))

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        if self.generator is None:
            return -(-len(self.pixels) // self.size)
        return max(1, len(self.pixels) // self.size)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of one epoch."""
        order = self._order()
        for start in range(len(self)):
            yield self._batch(order[start * self.size : (start + 1) * self.size])

    def to(self, device: Any) -> Batches:
        """Note the device, as fastai asks."""
        self.device = torch.device(device)
        return self

    def one_batch(self) -> tuple[Any, ...]:
        """Return a batch of the first rows."""
        return self._batch(np.arange(min(self.size, len(self.pixels))))

    def _order(self) -> Rows:
        count = len(self.pixels)
        if self.generator is None:
            return np.arange(count)
        if self.shares is not None:
            return self.generator.choice(count, size=count, p=self.shares)
        return self.generator.permutation(count)

    def _batch(self, rows: Rows) -> tuple[Any, ...]:
        return self.make(to_images(self.pixels[rows], self.device), rows)


def class_shares(codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how often each of (n,) rows is drawn for every class to be seen as often: shares that sum to 1."""
    weights = 1 / np.bincount(codes)[codes]
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares
