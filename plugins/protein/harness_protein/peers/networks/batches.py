"""Sequences as tokens, and what training changes in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from harness.data import Examples
from harness_protein.peers.shares import texts
from harness_protein.residues import ALPHABET
from harness_protein.training import Labelled
from harness_protein.ulmfit.batches import windowed
from harness_protein.ulmfit.tokenizers import PAD, SPECIAL, Residues

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Tokens = NDArray[np.int64]


def tokens_of(examples: Examples, longest: int) -> list[Tokens]:
    """Return the tokens of each sequence; of one longer than `longest` residues, its head and its tail."""
    encoded = Residues().encode_all(texts(examples, "protein.cnn"))
    return [windowed(tokens, longest, backward=False) for tokens in encoded]


class Augmented(Labelled):
    """Labelled batches that are never the same twice.

    Parameters
    ----------
    mutation, crop : float
        See `augmented`.
    """

    def __init__(
        self, sequences: Sequence[Tokens], examples: Examples, size: int, seed: int, mutation: float, crop: float
    ) -> None:
        super().__init__(sequences, examples, size, seed)
        self.mutation, self.crop = mutation, crop

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:  # type: ignore[override]
        """Yield the batches of one epoch."""
        rng = np.random.default_rng([self.seed or 0, self.epoch, 1])
        for tokens, codes, weights in super().__iter__():
            changed = augmented(tokens.cpu().numpy(), self.mutation, self.crop, rng)
            yield torch.from_numpy(changed).to(self.device), codes, weights


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
