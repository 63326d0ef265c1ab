"""Batches of the classifier: sequences of like length together, so many tokens at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor

from harness_protein.ulmfit.tokenizers import BEGIN, PAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Tokens = NDArray[np.int32]

JITTER = 0.1
"""By how much lengths are blurred before they are sorted, so that batches differ from epoch to epoch."""
ALIKE = 50
"""Batches' worth of sequences that are sorted together; further ones may be of any length."""


def windowed(tokens: Tokens, most: int, backward: bool) -> NDArray[np.int64]:
    """Return a sequence as the encoder reads it: `BEGIN`, then its tokens.

    Of more than `most` tokens the first and the last halves are kept, the second after a `BEGIN` of its own.

    Examples
    --------
    >>> windowed(np.arange(3, 9), 4, backward=False).tolist()
    [2, 3, 4, 2, 7, 8]
    """
    if len(tokens) > most:
        head = most - most // 2
        parts = [tokens[:head], tokens[len(tokens) - most // 2 :]]
    else:
        parts = [tokens]
    if backward:
        parts = [part[::-1] for part in parts[::-1]]
    begin = np.array([BEGIN])
    return np.concatenate([piece for part in parts for piece in (begin, part)]).astype(np.int64)


class Buckets:
    """Yields (tokens (b, t), rows (b,)), where t is the longest of a batch and the others are padded at their end.

    Parameters
    ----------
    sequences : sequence of arrays
        As `windowed` returns them.
    size : int
        Sequences in a batch of the average length; batches hold about so many tokens.
    seed : int or None
        None: the same order every time, longest first.
    least : int
        Sequences in a batch, at least.
    """

    n_inp = 1

    def __init__(self, sequences: Sequence[NDArray[np.int64]], size: int, seed: int | None, least: int = 1) -> None:
        self.sequences, self.size, self.seed, self.least = sequences, size, seed, least
        self.lengths = np.array([len(sequence) for sequence in sequences])
        self.budget = size * float(self.lengths.mean()) if len(sequences) else 0.0
        self.epoch, self.device = 0, torch.device("cpu")
        self.dataset = range(len(sequences))
        # fastai asks for the steps of an epoch before it draws one
        self._drawn = self.batches(0)

    def batches(self, epoch: int) -> list[NDArray[np.int64]]:
        """Return the rows of each batch of an epoch; every row once."""
        if self.seed is None:
            return self._cut(np.argsort(-self.lengths, kind="stable"))
        rng = np.random.default_rng([self.seed, epoch])
        shuffled = rng.permutation(len(self.lengths))
        blurred = self.lengths * rng.uniform(1 - JITTER, 1 + JITTER, len(self.lengths))
        span = self.size * ALIKE
        found = []
        for first in range(0, len(shuffled), span):
            rows = shuffled[first : first + span]
            found += self._cut(rows[np.argsort(-blurred[rows], kind="stable")])
        return [found[at] for at in rng.permutation(len(found))]

    def _cut(self, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        found: list[NDArray[np.int64]] = []
        first = 0
        while first < len(rows):
            last = first + 1
            longest = int(self.lengths[rows[first]])
            while last < len(rows):
                longest = max(longest, int(self.lengths[rows[last]]))
                if (last + 1 - first) * longest > self.budget and last - first >= self.least:
                    break
                last += 1
            found.append(rows[first:last])
            first = last
        if len(found) > 1 and len(found[-1]) < self.least:
            found[-2:] = [np.concatenate(found[-2:])]
        return found

    def __len__(self) -> int:
        """Return the steps of the next epoch."""
        return len(self._drawn)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of one epoch, and draw the next."""
        drawn = self._drawn
        if self.seed is not None:
            self.epoch += 1
            self._drawn = self.batches(self.epoch)
        for rows in drawn:
            yield self.padded(rows).to(self.device), torch.from_numpy(rows).to(self.device)

    def padded(self, rows: NDArray[np.int64]) -> Tensor:
        """Return the tokens of rows, (b, t) int64."""
        tokens = np.full((len(rows), int(self.lengths[rows].max())), PAD, np.int64)
        for place, row in enumerate(rows):
            tokens[place, : self.lengths[row]] = self.sequences[row]
        return torch.from_numpy(tokens)

    def to(self, device: Any) -> Self:
        """Send batches to a device, as fastai asks."""
        self.device = torch.device(device)
        return self

    def one_batch(self) -> tuple[Tensor, Tensor]:
        """Return a first batch."""
        return self.padded(self._drawn[0]).to(self.device), torch.from_numpy(self._drawn[0]).to(self.device)
