"""What a sequence's relatives among labelled sequences say of its class: similarities, gathered by class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from harness_protein.homology.kmers import MURPHY, Residues, Word, count, having, placed, rarity, weighted
from harness_protein.homology.segments import Index, index, segment_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_protein.homology.kmers import Codes

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]

WORDS = (
    Word("11"),
    Word("111"),
    Word("1111"),
    Word("11111"),
    Word("110101"),
    Word("111111", MURPHY),
    Word("1101011", MURPHY),
)
"""From frequent and forgiving to rare and telling; the spaced ones see past exchanged residues."""
SHARP = (10.0, 30.0)
"""By how much a nearer relative outvotes others, as ``exp(sharpness * similarity)``."""
PER_WORD = 2 + len(SHARP)
FACTS = PER_WORD * len(WORDS) + 4
"""Facts of a sequence about each class."""
BEST = 5
"""Aligned relatives of a class that add up."""
SCALE = 20.0
"""Half bits at which an alignment's score begins to count by its logarithm."""
CELLS = 8_000_000
"""Similarities held at once."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Labelled sequences to be compared with, rows of one class side by side.

    Attributes
    ----------
    bounds : (k + 1,) int64
        Where the rows of each class begin.
    words : tuple of (codes, having, matrix, transposed matrix)
        For each of `WORDS`: the words that occur, how many sequences have each, and TF-IDF rows.
    """

    residues: Residues
    bounds: Codes
    words: tuple[tuple[Codes, Codes, Any, Any], ...]
    index: Index


def reference(given: Residues, bounds: Codes) -> Reference:
    """Prepare labelled sequences, which stand by class already."""
    made = []
    for word in WORDS:
        counted = count(given, word)
        found = having(counted.matrix)
        matrix = weighted(counted.matrix, rarity(found, len(given)))
        made.append((counted.codes, found, matrix, matrix.T.tocsr()))
    return Reference(given, bounds, tuple(made), index(given))


def facts(queries: Residues, known: Reference, aligned: int, own: Codes | None = None) -> Floats:
    """Gather what the relatives of each query say.

    For each kind of word, by class: cosine similarity (TF-IDF) of the nearest, root of the mean similarity, and the
    logarithm of the votes at each sharpness. Of the `aligned` nearest by all words together: the best ungapped
    alignment, and the sum of the best five, by class; on the scale ``ln(1 + score / 20)``.

    Parameters
    ----------
    queries : Residues
        q sequences.
    aligned : int
        Nearest sequences to align with.
    own : (q,) int64, optional
        Each query's own row among the known, which has no say.

    Returns
    -------
    (q, k, FACTS) float64
    """
    rows = [
        placed(queries, word, codes, found, len(known.residues)) if own is None else matrix[own]
        for word, (codes, found, matrix, _) in zip(WORDS, known.words, strict=True)
    ]
    classes = len(known.bounds) - 1
    gathered = np.zeros((len(queries), classes, FACTS))
    for part in _blocks(len(queries), len(known.residues)):
        mine = None if own is None else own[part]
        others = others_of(known.bounds, len(part), mine)
        together = np.zeros((len(part), len(known.residues)), dtype=np.float32)
        for kind, (matrix, (*_, transposed)) in enumerate(zip(rows, known.words, strict=True)):
            alike = (matrix[part] @ transposed).toarray()
            if mine is not None:
                alike[np.arange(len(part)), mine] = 0
            gathered[part, :, PER_WORD * kind : PER_WORD * (kind + 1)] = votes_by_class(alike, known.bounds, others)
            # each kind of word has its own scale; a query's is its own, whatever stands beside it
            spread = alike.std(axis=1, keepdims=True)
            together += (alike - alike.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-6)
        if mine is not None:
            together[np.arange(len(part)), mine] = -np.inf
        gathered[part, :, -4:] = _aligned(queries, part, known, together, aligned)
    return gathered


def _blocks(rows: int, known: int) -> Iterator[Codes]:
    step = max(CELLS // max(known, 1), 1)
    for start in range(0, rows, step):
        yield np.arange(start, min(start + step, rows))


def others_of(bounds: Codes, rows: int, own: Codes | None) -> Floats:
    """Return how many sequences of each class a query is compared with, as (rows, k)."""
    sizes = np.repeat(np.diff(bounds)[None, :].astype(np.float64), rows, axis=0)
    if own is not None:
        sizes[np.arange(rows), np.searchsorted(bounds, own, side="right") - 1] -= 1
    return sizes


def votes_by_class(alike: Singles, bounds: Codes, others: Floats) -> Floats:
    """Gather similarities by class; see `facts`.

    Parameters
    ----------
    alike : (q, n) float32
        Similarity of each query to each known sequence, rows of one class side by side; 0 for its own row.
    bounds : (k + 1,) int64
        Where the rows of each class begin.
    others : (q, k) float64
        From `others_of`.

    Returns
    -------
    (q, k, PER_WORD) float64
    """
    made = np.zeros((len(alike), len(bounds) - 1, PER_WORD))
    votes = [np.exp(sharp * alike) for sharp in SHARP]
    for code, (begin, end) in enumerate(pairwise(bounds)):
        if begin == end:
            continue
        mine = alike[:, begin:end]
        made[:, code, 0] = mine.max(axis=1)
        made[:, code, 1] = np.sqrt(mine.sum(axis=1) / np.maximum(others[:, code], 1))
        for at, (sharp, vote) in enumerate(zip(SHARP, votes, strict=True)):
            # a query's own row stands there with similarity 0, one vote
            extra = end - begin - others[:, code]
            made[:, code, 2 + at] = np.log1p(np.maximum(vote[:, begin:end].sum(axis=1) - extra, 0)) / sharp
    return made


def _aligned(queries: Residues, part: Codes, known: Reference, together: Singles, aligned: int) -> Floats:
    n = together.shape[1]
    wanted = min(aligned, n)
    nearest = np.argpartition(-together, wanted - 1, axis=1)[:, :wanted]
    row, other = np.repeat(np.arange(len(part)), wanted), nearest.ravel()
    usable = np.isfinite(together[row, other])
    row, other = row[usable], other[usable]
    scores = segment_scores(queries, known.index, part[row], other)
    made = np.zeros((len(part), len(known.bounds) - 1, 4))
    for kind in range(2):
        table = np.zeros((len(part), n), dtype=np.float32)
        table[row, other] = scores[:, kind]
        for code, (begin, end) in enumerate(pairwise(known.bounds)):
            if begin == end:
                continue
            few = min(BEST, end - begin)
            best = -np.partition(-table[:, begin:end], few - 1, axis=1)[:, :few]
            made[:, code, 2 * kind] = np.log1p(best.max(axis=1) / SCALE)
            made[:, code, 2 * kind + 1] = np.log1p(best.sum(axis=1) / SCALE)
    return made
