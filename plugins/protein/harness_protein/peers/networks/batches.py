"""Labelled batches of sequences of like length, and what training changes in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from harness.data import Examples
from harness_protein.peers.shares import texts
from harness_protein.residues import ALPHABET
from harness_protein.ulmfit.batches import Buckets, windowed
from harness_protein.ulmfit.tokenizers import PAD, SPECIAL, Residues

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Tokens = NDArray[np.int64]

LEAST = 2
"""Sequences of a batch: batch normalization needs two."""


def tokens_of(examples: Examples, longest: int) -> list[Tokens]:
    """Return the tokens of each sequence; of one longer than `longest` residues, its head and its tail."""
    encoded = Residues().encode_all(texts(examples, "protein.cnn"))
    return [windowed(tokens, longest, backward=False) for tokens in encoded]


class Labelled(Buckets):
    """Yields (tokens (b, t), codes of classes (b,), weights (b,)).

    Parameters
    ----------
    seed : int or None
        None: the same batches each time, and nothing is changed in them.
    mutation, crop : float
        See `augmented`.
    """

    def __init__(
        self,
        sequences: Sequence[Tokens],
        examples: Examples,
        size: int,
        seed: int | None,
        mutation: float = 0.0,
        crop: float = 0.0,
    ) -> None:
        super().__init__(sequences, size, seed, LEAST)
        assert examples.targets is not None
        self.codes = torch.from_numpy(np.asarray(examples.targets, np.int64))
        weights = np.ones(len(examples)) if examples.weights is None else examples.weights
        self.weights = torch.from_numpy((weights / weights.mean()).astype(np.float32))
        self.mutation, self.crop = mutation, crop

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:  # type: ignore[override]
        """Yield the batches of one epoch."""
        rng = None if self.seed is None else np.random.default_rng([self.seed, self.epoch, 1])
        for tokens, picked in super().__iter__():
            rows = picked.cpu()
            if rng is not None:
                changed = augmented(tokens.cpu().numpy(), self.mutation, self.crop, rng)
                tokens = torch.from_numpy(changed).to(self.device)
            yield tokens, self.codes[rows].to(self.device), self.weights[rows].to(self.device)

    def one_batch(self) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """Return a first batch, as it is."""
        rows = self._drawn[0]
        return self.padded(rows).to(self.device), self.codes[rows].to(self.device), self.weights[rows].to(self.device)


def augmented(tokens: Tokens, mutation: float, crop: float, rng: np.random.Generator) -> Tokens:
    """Return sequences (b, t) with other residues here and there, and parts of their ends cut off.

    Parameters
    ----------
    mutation : float
        Share of residues that are drawn anew, all twenty equally likely.
    crop : float
        Share of a sequence, at most, that becomes padding at each end.

    Examples
    --------
    >>> augmented(np.arange(3, 13)[None], 0.0, 0.4, np.random.default_rng(0)).tolist()
    [[3, 4, 5, 6, 7, 8, 9, 1, 1, 1]]
    """
    residues = tokens >= SPECIAL
    drawn = rng.integers(SPECIAL, SPECIAL + len(ALPHABET), tokens.shape)
    made = np.where(residues & (rng.random(tokens.shape) < mutation), drawn, tokens)
    lengths = (tokens != PAD).sum(axis=1)
    cut = (rng.uniform(0, crop, (2, len(tokens))) * lengths).astype(np.int64)
    place = np.arange(tokens.shape[1])
    outside = (place < cut[0][:, None]) | (place >= (lengths - cut[1])[:, None])
    return np.where(outside, PAD, made)
