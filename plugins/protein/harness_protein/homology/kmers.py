"""Words of sequences: overlapping k-mers and spaced words, packed into integers, counted into sparse matrices.

A word may skip positions (``1101`` reads the first, second and fourth residue), which finds relatives whose conserved
residues do not stand side by side (Ma, Tromp & Li 2002, "PatternHunter", Bioinformatics 18), and may read residues by
class instead of letter, which forgives exchanges that keep a protein's chemistry. Words with an unknown residue are
left out: two unknown residues are not alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from harness.errors import DataError
from harness_protein.residues import ALPHABET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

MURPHY = ("LVIM", "C", "A", "G", "ST", "P", "FYW", "EDNQ", "KR", "H")
"""Ten classes of residues (Murphy, Wallqvist & Levy 2000, Protein Engineering 13, table I)."""
SPECIFIC = 9
"""Residues a word reads at most: more would not fit a 64-bit key beside the row."""


@dataclass(frozen=True)
class Word:
    """A kind of word.

    Attributes
    ----------
    pattern : str
        ``1`` for each position that is read, ``0`` for one that is skipped; begins and ends with ``1``.
    classes : tuple of str
        Residues that count as the same letter; each residue in one of them.

    Examples
    --------
    >>> Word("1101").offsets
    (0, 1, 3)
    """

    pattern: str
    classes: tuple[str, ...] = tuple(ALPHABET)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Positions that are read, from the word's first."""
        return tuple(at for at, read in enumerate(self.pattern) if read == "1")

    @property
    def size(self) -> int:
        """How many residues are read."""
        return self.pattern.count("1")


@dataclass(frozen=True, eq=False)
class Residues:
    """Sequences end to end.

    Attributes
    ----------
    letters : (total,) uint8
        ASCII.
    starts : (n + 1,) int64
        Where each sequence begins, and the end of the last.
    """

    letters: NDArray[np.uint8]
    starts: Codes

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> Codes:
        """Residues of each sequence, as (n,) int64."""
        return np.diff(self.starts)


def residues(sequences: Sequence[str] | NDArray[np.object_]) -> Residues:
    """Lay sequences end to end.

    Parameters
    ----------
    sequences : n cleaned sequences
        See `harness_protein.residues`.

    Raises
    ------
    DataError
        If they are something else, a table say.
    """
    texts: list[str] = list(sequences) if getattr(sequences, "ndim", 1) == 1 else []
    if len(texts) != len(sequences) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"expected protein sequences as text, found a {type(sequences).__name__} of something else")
    letters = np.frombuffer("".join(texts).encode("ascii", "replace"), dtype=np.uint8)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    return Residues(letters, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def words(given: Residues, word: Word) -> tuple[Codes, Codes, Codes]:
    """List every word of every sequence.

    Returns
    -------
    rows, codes, positions : (m,) int64
        The sequence, the word as a number in base ``len(word.classes)``, and where in the sequence it begins; in order
        of the sequences.
    """
    letters = _letters(word.classes)[given.letters]
    span, offsets = len(word.pattern), word.offsets
    windows = max(len(letters) - span + 1, 0)
    codes = np.zeros(windows, dtype=np.int64)
    known = np.ones(windows, dtype=bool)
    for offset in offsets:
        read = letters[offset : offset + windows]
        codes *= len(word.classes)
        codes += read
        known &= read >= 0
    row = np.repeat(np.arange(len(given), dtype=np.int64), given.lengths)[:windows]
    known &= np.arange(windows) + span <= given.starts[1:][row]
    at = np.flatnonzero(known)
    return row[at], codes[at], at - given.starts[row[at]]


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each sequence has each word.

    Attributes
    ----------
    codes : (v,) int64
        The words that occur, sorted.
    matrix : (n, v) CSR float32
        Column indices are sorted within each row.
    """

    codes: Codes
    matrix: Any


def count(given: Residues, word: Word) -> Counts:
    """Count all words that occur."""
    if word.size > SPECIFIC:
        raise ValueError(f"{word.pattern}: a word reads at most {SPECIFIC} residues")
    rows, found, _ = words(given, word)
    codes, columns = np.unique(found, return_inverse=True)
    cells, times = np.unique(rows * max(len(codes), 1) + columns, return_counts=True)
    rows, columns = np.divmod(cells, max(len(codes), 1))
    pointers = np.searchsorted(rows, np.arange(len(given) + 1))
    shape = (len(given), len(codes))
    matrix = sparse.csr_matrix((times.astype(np.float32), columns.astype(np.int32), pointers), shape=shape)
    return Counts(codes.astype(np.int64), matrix)


def sets(counts: Counts) -> Any:
    """Return which words each sequence has, as a (n, v) CSR float32 matrix of ones."""
    matrix = counts.matrix.copy()
    matrix.data[:] = 1
    return matrix


def having(matrix: Any) -> Codes:
    """Return how many sequences have each word, as (v,) int64."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.int64)


def rarity(having: Codes, n: int) -> NDArray[np.float32]:
    """Return each word's weight, ``1 + ln((1 + n) / (1 + df))``: rare words tell more; as (v,) float32."""
    weights: NDArray[np.float32] = (1 + np.log((1 + n) / (1 + having))).astype(np.float32)
    return weights


def placed(queries: Residues, word: Word, codes: Codes, having: Codes, n: int) -> Any:
    """Return new sequences as TF-IDF rows over known words, each as if it were one more of the known sequences.

    Its own words count in their rarity and in its length, also those that no known sequence has, so that similarities
    are on the scale of those among known sequences.

    Parameters
    ----------
    codes, having : (v,) int64
        The known words, and how many of the n known sequences have each.

    Returns
    -------
    (q, v) CSR float32
    """
    counted = count(queries, word)
    at = np.minimum(np.searchsorted(codes, counted.codes), max(len(codes) - 1, 0))
    known = codes[at] == counted.codes if len(codes) else np.zeros(len(counted.codes), dtype=bool)
    found = np.zeros(len(counted.codes), dtype=np.int64)
    found[known] = having[at[known]]
    made = weighted(counted.matrix, rarity(found + 1, n + 1))[:, np.flatnonzero(known)]
    return sparse.csr_matrix((made.data, at[known][made.indices], made.indptr), shape=(len(queries), len(codes)))


def weighted(matrix: Any, rarity: NDArray[np.float32]) -> Any:
    """Return counts as TF-IDF rows of length 1 (``1 + ln(count)`` times rarity); an empty row stays zero."""
    made = matrix.copy()
    made.data = (1 + np.log(made.data)) * rarity[made.indices]
    squares = np.zeros(made.shape[0])
    rows = np.repeat(np.arange(made.shape[0]), np.diff(made.indptr))
    np.add.at(squares, rows, made.data.astype(np.float64) ** 2)
    made.data = (made.data / np.sqrt(np.where(squares > 0, squares, 1))[rows]).astype(np.float32)
    return made


@lru_cache
def _letters(classes: tuple[str, ...]) -> NDArray[np.int16]:
    """Return the class of every byte, -1 for one that is in none."""
    table = np.full(256, -1, dtype=np.int16)
    for code, members in enumerate(classes):
        for letter in members:
            table[ord(letter)] = code
    return table
