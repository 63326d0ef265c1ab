"""Batches of the language model: every sequence of an epoch in one stream, cut into parallel ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from harness_protein.ulmfit.tokenizers import BEGIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Tokens = NDArray[np.int32]


class Streams:
    """Yields tokens and the tokens that follow them, (streams, length) int64 each.

    Every epoch shuffles the sequences; each begins with `BEGIN`. A backward loader reverses the tokens of a sequence.

    Attributes
    ----------
    n_inp : int
        fastai's word for how many of a batch's parts go into the model.
    """

    n_inp = 1

    def __init__(
        self, sequences: Sequence[Tokens], streams: int, length: int, seed: int, backward: bool, shuffle: bool = True
    ) -> None:
        self.sequences, self.length, self.seed, self.backward = list(sequences), length, seed, backward
        self.total = sum(map(len, sequences)) + len(sequences)
        # a few short sequences fill fewer streams
        self.streams = max(1, min(streams, (self.total - 1) // length))
        self.long = (self.total - 1) // self.streams
        self.steps = max(1, -(-self.long // length))
        self.shuffle, self.epoch, self.device = shuffle, 0, torch.device("cpu")
        self.dataset = range(self.steps * self.streams)

    @property
    def tokens(self) -> int:
        """Tokens predicted in an epoch."""
        return self.long * self.streams

    def __len__(self) -> int:
        """Return the steps of an epoch."""
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of one epoch."""
        order = np.arange(len(self.sequences))
        if self.shuffle:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.sequences))
            self.epoch += 1
        begin = np.array([BEGIN], np.int64)
        parts: list[NDArray[Any]] = []
        for row in order.tolist():
            parts += [begin, self.sequences[row][::-1] if self.backward else self.sequences[row]]
        text = np.concatenate(parts).astype(np.int64)
        inputs = torch.from_numpy(text[: self.tokens].reshape(self.streams, self.long))
        targets = torch.from_numpy(text[1 : self.tokens + 1].reshape(self.streams, self.long))
        for step in range(self.steps):
            span = slice(step * self.length, (step + 1) * self.length)
            yield inputs[:, span].to(self.device), targets[:, span].to(self.device)

    def to(self, device: Any) -> Streams:
        """Send batches to a device, as fastai asks."""
        self.device = torch.device(device)
        return self

    def one_batch(self) -> tuple[Tensor, Tensor]:
        """Return a first batch."""
        return next(iter(self))
