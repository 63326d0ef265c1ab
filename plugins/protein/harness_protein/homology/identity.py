"""Sequence identity, estimated from the words two sequences share.

If a share I of residues is the same, and differences fall anywhere, a word of k residues is the same with chance I^k;
so ``identity = containment ** (1 / k)``, containment being the share of the smaller word set that the other has too
(Ondov et al. 2019, "Mash Screen", Genome Biology 20). From the Jaccard similarity j of the sets, Mash (Ondov et al.
2016, Genome Biology 17) has ``1 - identity = -1/k * ln(2 j / (1 + j))``; the two agree for sequences of one length
that differ little. Containment also holds for a fragment of a longer sequence. Two or three words are shared by
chance: fewer than `FEWEST` say nothing, and the identity is then given as 0. Relatives below about 30% identity are
mostly not seen.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from harness_protein.homology.kmers import Residues, Word, count, sets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_protein.homology.kmers import Codes

    Floats = NDArray[np.float64]

K = 5
"""Residues of a word: long enough that unrelated sequences share next to none."""
FEWEST = 4
"""Shared words that tell of kinship."""
BANDS = (0.0, 0.3, 0.5, 0.7, 0.9)
"""Where bands of identity begin; the last ends with 1."""
RARE = 20
"""Sequences that have a word which is called rare, at most."""
CELLS = 20_000_000
"""Numbers held at once."""


def from_containment(containment: Any, k: int) -> Any:
    """Return the identity at which a word of k residues is kept with that chance.

    Examples
    --------
    >>> print(round(from_containment(0.03125, 5), 6))
    0.5
    """
    return containment ** (1 / k)


def from_jaccard(jaccard: float, k: int) -> float:
    """Return one minus the Mash distance, at least 0.

    Examples
    --------
    Of sequences of one length with containment c the Jaccard similarity is c / (2 - c).

    >>> c = 0.95**5
    >>> round(from_jaccard(c / (2 - c), 5), 3), from_jaccard(0.0, 5)
    (0.949, 0.0)
    """
    if jaccard <= 0:
        return 0.0
    return max(0.0, 1 + float(np.log(2 * jaccard / (1 + jaccard))) / k)


def pair_identities(matrix: Any, one: Codes, other: Codes, k: int, fewest: int) -> Floats:
    """Estimate the identity of pairs.

    Parameters
    ----------
    matrix : (n, v) CSR
        Word sets, from `harness_protein.homology.kmers.sets`.
    one, other : (p,) int64
        Rows of it.
    fewest : int
        Shared words below which the identity is given as 0.

    Returns
    -------
    (p,) float64
    """
    sizes = np.diff(matrix.indptr)
    shared = np.zeros(len(one))
    step = max(CELLS // max(int(sizes.max(initial=1)), 1), 1)
    for start in range(0, len(one), step):
        part = slice(start, start + step)
        shared[part] = np.asarray(matrix[one[part]].multiply(matrix[other[part]]).sum(axis=1)).ravel()
    return _estimated(shared, np.minimum(sizes[one], sizes[other]), k, fewest)


def rare_pairs(matrix: Any, fewest: int) -> Codes:
    """Pair sequences that share words which at most `RARE` sequences have.

    Parameters
    ----------
    matrix : (n, v) CSR
        Word sets.
    fewest : int
        Such words that a pair shares at least; or all the words of the shorter.

    Returns
    -------
    (p, 2) int64
        The smaller row first.
    """
    n = matrix.shape[0]
    found = np.bincount(matrix.indices, minlength=matrix.shape[1])
    rare = matrix[:, np.flatnonzero((found > 1) & (found <= RARE))].tocsr()
    transposed, sizes = rare.T.tocsr(), np.diff(matrix.indptr)
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    step = max(CELLS // (int(np.diff(rare.indptr).max(initial=1)) * RARE), 1)
    for start in range(0, n, step):
        shared = (rare[start : start + step] @ transposed).tocoo()
        one, other = shared.row.astype(np.int64) + start, shared.col.astype(np.int64)
        kept = (one < other) & (shared.data >= np.minimum(fewest, np.minimum(sizes[one], sizes[other])))
        pairs.append(np.column_stack([one[kept], other[kept]]))
    return np.concatenate(pairs)


def _estimated(shared: Floats, smaller: Codes, k: int, fewest: int) -> Floats:
    # a fragment has few words, and all of them shared is no chance
    enough = shared >= np.minimum(fewest, np.maximum(smaller, 1))
    made: Floats = np.where(enough, from_containment(shared / np.maximum(smaller, 1), k), 0.0)
    return made


def nearest_identities(given: Residues, folds: Codes, k: int = K, fewest: int = FEWEST) -> Floats:
    """Estimate the identity of each sequence to the nearest one of another fold.

    Parameters
    ----------
    given : Residues
        n sequences.
    folds : (n,) int64
        The fold that predicts each; sequences of all other folds are what that fold trains on. A negative number:
        trains in every fold and is never predicted, so that its own identity is given as NaN.

    Returns
    -------
    (n,) float64
        In [0, 1]; 0 where nothing like it is found.
    """
    matrix = sets(count(given, Word("1" * k)))
    found = np.full(len(given), np.nan)
    for fold in np.unique(folds[folds >= 0]):
        rows, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        found[rows] = nearest_to(matrix[rows], matrix[others], k, fewest) if len(others) else 0.0
    return found


def nearest_to(queries: Any, known: Any, k: int = K, fewest: int = FEWEST) -> Floats:
    """Estimate the identity of each query to the nearest known sequence.

    Parameters
    ----------
    queries, known : (q, v) and (n, v) CSR
        Word sets over the same words.

    Returns
    -------
    (q,) float64
    """
    transposed = known.T.tocsr()
    sizes, known_sizes = np.diff(queries.indptr), np.diff(known.indptr)
    best = np.zeros(queries.shape[0])
    step = max(CELLS // max(known.shape[0], 1), 1)
    for start in range(0, queries.shape[0], step):
        shared = (queries[start : start + step] @ transposed).tocoo()
        row = shared.row + start
        smaller = np.minimum(sizes[row], known_sizes[shared.col])
        np.maximum.at(best, row, _estimated(shared.data.astype(np.float64), smaller, k, fewest))
    return best


def band_of(identities: Floats) -> NDArray[np.int64]:
    """Return which of `BANDS` each identity is in, as (n,) int64."""
    return np.searchsorted(BANDS, identities + 1e-9, side="right").astype(np.int64) - 1


def band_names() -> tuple[str, ...]:
    """Name `BANDS`.

    Examples
    --------
    >>> band_names()
    ('< 30%', '30-50%', '50-70%', '70-90%', '≥ 90%')
    """
    edges = [round(100 * edge) for edge in BANDS]
    middle = [f"{low}-{high}%" for low, high in pairwise(edges[1:])]
    return (f"< {edges[1]}%", *middle, f"≥ {edges[-1]}%")
