"""MinHash sketches of word sets, and pairs of sequences that agree in a band of them.

The chance that two sets have the same smallest hash is their Jaccard similarity (Broder 1997, "On the resemblance and
containment of documents"); sets that agree in all hashes of at least one band are candidates (Leskovec, Rajaraman &
Ullman, "Mining of Massive Datasets", chapter 3.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_protein.homology.kmers import Codes

    Hashes = NDArray[np.uint32]

NO_WORD = np.uint32(2**32 - 1)
"""Sketch of a sequence without a word."""


def sketches(rows: Codes, codes: Codes, n: int, hashes: int, seed: int) -> Hashes:
    """Sketch the word set of each sequence.

    Parameters
    ----------
    rows, codes : (m,) int64
        Words of n sequences, in order of the sequences, from `harness_protein.homology.kmers.words`.
    hashes : int
        Length of a sketch.
    seed : int
        Draws the hash functions: multiply, add, keep the upper half (Dietzfelbinger et al. 1997, "A reliable randomized
        algorithm for the closest-pair problem").

    Returns
    -------
    (n, hashes) uint32
    """
    made = np.full((n, hashes), NO_WORD, dtype=np.uint32)
    if not len(rows):
        return made
    present, first = np.unique(rows, return_index=True)
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 2**63, hashes, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    shifts = rng.integers(0, 2**63, hashes, dtype=np.uint64)
    keys = codes.astype(np.uint64)
    for at in range(hashes):
        hashed = ((keys * factors[at] + shifts[at]) >> np.uint64(32)).astype(np.uint32)
        made[present, at] = np.minimum.reduceat(hashed, first)
    return made


def candidates(sketched: Hashes, band: int) -> Codes:
    """Pair sequences that agree in a band.

    Of a bucket of many, each is paired with the first and with the one before it, so that the number of pairs grows
    with the number of sequences only, as in Linclust (Steinegger & Söding 2018, Nature Communications 9).

    Parameters
    ----------
    sketched : (n, hashes) uint32
        From `sketches`.
    band : int
        Hashes that must agree; a remainder of the sketch is not used.

    Returns
    -------
    (p, 2) int64
        Each pair once, the smaller position first; pairs that agree in most bands come first.
    """
    n, hashes = sketched.shape
    filled = np.flatnonzero((sketched != NO_WORD).any(axis=1))
    pairs = []
    for begin in range(0, hashes - band + 1, band):
        part = sketched[filled, begin : begin + band]
        order = np.lexsort((filled, *part.T))
        sorted_part, members = part[order], filled[order]
        new = np.ones(len(members), dtype=bool)
        new[1:] = (sorted_part[1:] != sorted_part[:-1]).any(axis=1)
        first = np.maximum.accumulate(np.where(new, np.arange(len(members)), 0))
        again = np.flatnonzero(~new)
        pairs += [members[other] * n + members[again] for other in (first[again], again - 1)]
    if not pairs:
        return np.zeros((0, 2), dtype=np.int64)
    keys, agree = np.unique(np.concatenate(pairs), return_counts=True)
    keys = keys[np.argsort(-agree, kind="stable")]
    return np.column_stack(np.divmod(keys, n)).astype(np.int64)
