"""How well two sequences align without gaps: the quick half of FASTA and BLAST.

Words of two residues that two sequences share lie on diagonals; along the diagonals with the most of them, residues are
compared by BLOSUM62 and the best stretch is kept (Pearson & Lipman 1988, "Improved tools for biological sequence
comparison", PNAS 85; Altschul et al. 1990, "Basic local alignment search tool", J. Mol. Biol. 215). It costs a
thousandth of an alignment with gaps and finds most of the same relatives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from harness_protein.homology.kmers import Residues, Word, words
from harness_protein.residues import ALPHABET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_protein.homology.kmers import Codes

    Floats = NDArray[np.float64]

BLOSUM62 = """
 4  0 -2 -1 -2  0 -2 -1 -1 -1 -1 -2 -1 -1 -1  1  0  0 -3 -2
 0  9 -3 -4 -2 -3 -3 -1 -3 -1 -1 -3 -3 -3 -3 -1 -1 -1 -2 -2
-2 -3  6  2 -3 -1 -1 -3 -1 -4 -3  1 -1  0 -2  0 -1 -3 -4 -3
-1 -4  2  5 -3 -2  0 -3  1 -3 -2  0 -1  2  0  0 -1 -2 -3 -2
-2 -2 -3 -3  6 -3 -1  0 -3  0  0 -3 -4 -3 -3 -2 -2 -1  1  3
 0 -3 -1 -2 -3  6 -2 -4 -2 -4 -3  0 -2 -2 -2  0 -2 -3 -2 -3
-2 -3 -1  0 -1 -2  8 -3 -1 -3 -2  1 -2  0  0 -1 -2 -3 -2  2
-1 -1 -3 -3  0 -4 -3  4 -3  2  1 -3 -3 -3 -3 -2 -1  3 -3 -1
-1 -3 -1  1 -3 -2 -1 -3  5 -2 -1  0 -1  1  2  0 -1 -2 -3 -2
-1 -1 -4 -3  0 -4 -3  2 -2  4  2 -3 -3 -2 -2 -2 -1  1 -2 -1
-1 -1 -3 -2  0 -3 -2  1 -1  2  5 -2 -2  0 -1 -1 -1  1 -1 -1
-2 -3  1  0 -3  0  1 -3  0 -3 -2  6 -2  0  0  1  0 -3 -4 -2
-1 -3 -1 -1 -4 -2 -2 -3 -1 -3 -2 -2  7 -1 -2 -1 -1 -2 -4 -3
-1 -3  0  2 -3 -2  0 -3  1 -2  0  0 -1  5  1  0 -1 -2 -2 -1
-1 -3 -2  0 -3 -2  0 -3  2 -2 -1  0 -2  1  5 -1 -1 -3 -3 -2
 1 -1  0  0 -2  0 -1 -2  0 -2 -1  1 -1  0 -1  4  1 -2 -3 -2
 0 -1 -1 -1 -2 -2 -2 -1 -1 -1 -1  0 -1 -1 -1  1  5  0 -2 -2
 0 -1 -3 -2 -1 -3 -3  3 -2  1  1 -3 -2 -2 -3 -2  0  4 -3 -1
-3 -2 -4 -3  1 -2 -2 -3 -3 -2 -1 -4 -4 -2 -3 -3 -2 -3 11  2
-2 -2 -3 -2  3 -3  2 -1 -2 -1 -1 -2 -3 -1 -2 -2 -2 -1  2  7
"""
"""Scores in half bits, in the order of `ALPHABET` (Henikoff & Henikoff 1992, PNAS 89)."""
UNKNOWN_SCORE = -1
"""Score of an unknown residue beside any other."""
PAIR = Word("11")
DIAGONALS = 3
"""Diagonals of a pair that are scored."""
BY_CHANCE = 30
"""Score that unrelated sequences of a few hundred residues reach; only what is above it adds up."""
CELLS = 4_000_000
"""Numbers held at once."""


@dataclass(frozen=True, eq=False)
class Index:
    """Sequences and where each has each pair of residues.

    Attributes
    ----------
    starts : (n * 400 + 1,) int64
        For each sequence and pair of residues, where its positions begin.
    positions : (m,) int32
    letters : (total,) uint8
        Codes in the order of `ALPHABET`, 20 for any other.
    """

    residues: Residues
    starts: Codes
    positions: NDArray[np.int32]
    letters: NDArray[np.uint8]


def index(given: Residues) -> Index:
    """Prepare sequences to be compared with."""
    rows, codes, positions = words(given, PAIR)
    keys = rows * KINDS + codes
    order = np.argsort(keys, kind="stable")
    starts = np.searchsorted(keys[order], np.arange(len(given) * KINDS + 1))
    return Index(given, starts, positions[order].astype(np.int32), _codes()[given.letters])


KINDS = len(ALPHABET) ** 2


def segment_scores(queries: Residues, targets: Index, of: Codes, to: Codes) -> Floats:
    """Score pairs of sequences.

    Parameters
    ----------
    of, to : (p,) int64
        Positions into `queries` and into the sequences of `targets`.

    Returns
    -------
    (p, 2) float64
        Half bits: of the best stretch, and the sum, over the diagonals looked at, of what exceeds `BY_CHANCE`.
    """
    scores = np.zeros((len(of), 2))
    rows, codes, positions = words(queries, PAIR)
    first = np.searchsorted(rows, np.arange(len(queries) + 1))
    letters = _codes()[queries.letters]
    for part in _parts(queries.lengths[of] + targets.residues.lengths[to]):
        one, other = of[part], to[part]
        times = first[one + 1] - first[one]
        at = _ranges(first[one], times)
        pair = np.repeat(np.arange(len(part)), times)
        offsets = _likeliest(pair, codes[at], positions[at], other, targets, queries.lengths[one])
        best = np.stack([_best_stretch(queries, letters, targets, one, other, offset) for offset in offsets.T], axis=1)
        scores[part, 0] = best.max(axis=1)
        scores[part, 1] = np.maximum(best - BY_CHANCE, 0).sum(axis=1)
    return scores


def _parts(widths: Codes) -> Iterator[Codes]:
    """Yield positions of pairs of about the same size, few enough to be held at once."""
    order = np.argsort(widths, kind="stable")
    done = 0
    while done < len(order):
        # the widest of a part decides what the part takes
        reach = order[done : done + max(CELLS // max(int(widths[order[done]]), 1), 1)]
        fits = int(np.searchsorted(widths[reach] * np.arange(1, len(reach) + 1), CELLS, side="right"))
        part = reach[: max(fits, 1)]
        yield part
        done += len(part)


def _ranges(starts: Codes, times: Codes) -> Codes:
    """Return ``start, start + 1, ...`` for each start, so many times, end to end."""
    shifts: Codes = np.repeat(starts - np.cumsum(times) + times, times)
    return shifts + np.arange(len(shifts))


def _likeliest(pair: Codes, codes: Codes, positions: Codes, to: Codes, targets: Index, lengths: Codes) -> Codes:
    """Return the diagonals (p, DIAGONALS) with the most shared words, as query position minus target position."""
    slots = to[pair] * KINDS + codes
    begin = targets.starts[slots]
    times = targets.starts[slots + 1] - begin
    reach = targets.residues.lengths[to]
    diagonal = np.repeat(positions + reach[pair], times) - targets.positions[_ranges(begin, times)]
    width = int((lengths + reach).max()) + DIAGONALS
    found = np.bincount(np.repeat(pair, times) * width + diagonal, minlength=len(to) * width).reshape(len(to), width)
    # of equally many the first, whatever stands beside a pair
    ranked = found * width - np.arange(width)
    best: Codes = np.argpartition(-ranked, DIAGONALS - 1, axis=1)[:, :DIAGONALS]
    return best - reach[:, None]


def _best_stretch(
    queries: Residues, letters: NDArray[np.uint8], targets: Index, of: Codes, to: Codes, offset: Codes
) -> NDArray[np.int64]:
    """Return the highest sum of scores (p,) along a diagonal, 0 at least."""
    begin = np.maximum(offset, 0)
    lengths = np.maximum(np.minimum(queries.lengths[of], targets.residues.lengths[to] + offset) - begin, 0)
    step = np.arange(max(int(lengths.max()), 1))
    inside = step < lengths[:, None]
    one = np.where(inside, (queries.starts[of] + begin)[:, None] + step, 0)
    other = np.where(inside, (targets.residues.starts[to] + begin - offset)[:, None] + step, 0)
    scores = np.where(inside, blosum62()[letters[one], targets.letters[other]], 0)
    total = np.cumsum(scores, axis=1)
    before = np.minimum(np.minimum.accumulate(total, axis=1), 0)
    before = np.concatenate([np.zeros((len(of), 1), dtype=total.dtype), before[:, :-1]], axis=1)
    best: NDArray[np.int64] = np.maximum((total - before).max(axis=1), 0)
    return best


@lru_cache
def blosum62() -> NDArray[np.int32]:
    """Return BLOSUM62 in the order of `ALPHABET`, and unknown residues last, as (21, 21) int32."""
    size = len(ALPHABET)
    table = np.full((size + 1, size + 1), UNKNOWN_SCORE, dtype=np.int32)
    table[:size, :size] = np.array([line.split() for line in BLOSUM62.strip().splitlines()], dtype=np.int32)
    return table


@lru_cache
def _codes() -> NDArray[np.uint8]:
    table = np.full(256, len(ALPHABET), dtype=np.uint8)
    table[np.frombuffer(ALPHABET.encode(), dtype=np.uint8)] = np.arange(len(ALPHABET))
    return table
