"""Words of sequences as weighted counts: what TF-IDF's matrix is made of.

A kind of words is contiguous (``111``) or spaced (``1001``: two residues three apart), of residues or of classes of
them, and perhaps counted apart in each section of the sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from harness_protein.homology.kmers import MURPHY, Residues, Word, words

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Kind:
    """A kind of words.

    Attributes
    ----------
    word : Word
    sections : int
        Equal parts of a sequence in which words are counted apart; 1: anywhere. A word between the middles of two
        sections counts in both, by how near it is.
    """

    word: Word
    sections: int = 1


def kinds(patterns: Sequence[str], reduced: Sequence[str], sections: int) -> list[Kind]:
    """Return kinds of words.

    Parameters
    ----------
    patterns, reduced : `Word.pattern` of words of residues, and of words of the classes `MURPHY`
    sections : parts in which single residues and pairs are counted once more; 1: not
    """
    found = [Kind(Word(pattern)) for pattern in patterns]
    found += [Kind(Word(pattern, MURPHY)) for pattern in reduced]
    if sections > 1:
        found += [Kind(Word("1"), sections), Kind(Word("11"), sections)]
    return found


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words of one kind that are counted, and what each weighs.

    Attributes
    ----------
    codes : (v,) int64
        Sorted.
    rarity : (v,) float32
        Inverse document frequency, ``1 + ln((1 + n) / (1 + df))``, or ones.
    """

    codes: NDArray[np.int64]
    rarity: NDArray[np.float32]


def learn(given: Residues, kind: Kind, least: int, most: int, rarity: bool) -> Vocabulary:
    """Choose the words of a kind.

    Parameters
    ----------
    least : sequences that a word occurs in, at least
    most : words, the commonest; of equally common ones those that come first in the alphabet
    rarity : whether rare words weigh more
    """
    rows, codes, _ = _found(given, kind)
    known, places = np.unique(codes, return_inverse=True)
    pairs = np.unique(rows * max(len(known), 1) + places)
    frequency = np.bincount(pairs % max(len(known), 1), minlength=len(known))
    order = np.argsort(-frequency, kind="stable")[:most]
    kept = np.sort(order[frequency[order] >= least])
    weights = 1 + np.log((1 + len(given)) / (1 + frequency[kept])) if rarity else np.ones(len(kept))
    return Vocabulary(known[kept], weights.astype(np.float32))


def matrix(given: Residues, kind: Kind, vocabulary: Vocabulary, sublinear: bool) -> Any:
    """Return weighted counts, (n, v) CSR float32, each row of length 1 or empty."""
    rows, codes, shares = _found(given, kind)
    size = len(vocabulary.codes)
    columns = np.minimum(np.searchsorted(vocabulary.codes, codes), max(size - 1, 0))
    kept = vocabulary.codes[columns] == codes if size else np.zeros(len(codes), bool)
    cells = (shares[kept], (rows[kept], columns[kept].astype(np.int32)))
    found = sparse.coo_matrix(cells, shape=(len(given), size), dtype=np.float64).tocsr()
    found.sum_duplicates()
    values = np.log1p(found.data) if sublinear else found.data
    found.data = values * vocabulary.rarity[found.indices]
    lengths = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
    found.data /= np.repeat(np.where(lengths > 0, lengths, 1), np.diff(found.indptr))
    return found.astype(np.float32)


def _found(given: Residues, kind: Kind) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the row, the code and the share of every word that occurs."""
    rows, codes, at = words(given, kind.word)
    if kind.sections == 1:
        return rows, codes, np.ones(len(rows))
    place = (at + 0.5) / given.lengths[rows] * kind.sections - 0.5
    before = np.floor(place).astype(np.int64)
    late = place - before
    sections = np.concatenate([before, before + 1]).clip(0, kind.sections - 1)
    return np.tile(rows, 2), np.tile(codes, 2) * kind.sections + sections, np.concatenate([1 - late, late])
