"""Rows that are nearly the same on both sides: numbers with a little noise, texts with a few letters changed, pictures.

Numbers: the distance to the nearest row, as a share of that to the fifth. Where rows lie with a constant density in D
dimensions, that share is below t with chance 1 - (1 - t^D)^4 (after Facco et al. 2017, "Estimating the intrinsic
dimension of datasets by a minimal neighborhood information", Scientific Reports 7: ratios of distances to neighbours
have a law free of the density). D follows from the median of the shares, which a few copies do not move; copies are
shares near 0, of which chance makes hardly any.

Texts: MinHash of their runs of eight letters (Broder 1997, "On the resemblance and containment of documents");
unrelated texts share next to none. Pictures and other files: bits that the plugin's inputs give (``sketches()``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.data import Examples
from harness.findings import Finding, Severity
from harness.leaks.columns import finite
from harness.leaks.duplicates import texts_in
from harness.leaks.material import SEED, Material, is_number
from harness.leaks.strength import rank

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bits = NDArray[np.uint64]
    Codes = NDArray[np.int64]
    Mask = NDArray[np.bool_]

QUERIES = 2000
"""Rows of the other side that are looked up, at most."""
TEXTS = 20_000
"""Texts of each side that are compared, at most."""
VALUES = 20
"""Values of a column from which it is a number that can be nearly equal."""
FEWEST_COLUMNS = 3
CLOSE = 0.02
"""Share of the fifth distance below which the nearest row is a copy."""
FIFTH = 5
SHARE = 0.01
"""Share of rows from which it is a leak."""
SURE = 1e-4
FEWEST = 4
"""Rows below which nothing is said."""
SHINGLE, HASHES, ALIKE = 8, 32, 0.8
"""Letters of a run; length of a sketch; share of it that near copies have in common."""
BITS_APART = 4
"""Bits of 64 by which sketches of pictures may differ."""
BITS_USUAL = 12
"""Bits by which the fifth nearest must differ, so that plain pictures are not all alike."""


def check_near_duplicates(material: Material) -> Iterator[Finding]:
    """Look for near copies of one side on the other."""
    every = np.arange(len(material.train), dtype=np.int64)
    for name, part in material.others.items():
        yield from _between(material.train, every, part, np.arange(len(part), dtype=np.int64), name)
    yield from _in_corpora(material)
    folds = material.whole_folds[:1]
    for one, rest in folds:
        yield from _between(material.train, one, material.train, rest, "")


def _between(train: Examples, one: Codes, other: Examples, rest: Codes, part: str) -> Iterator[Finding]:
    rng = np.random.default_rng(SEED)
    limit = TEXTS if isinstance(train.inputs, list) else QUERIES
    drawn = np.sort(rng.permutation(len(rest))[:limit])
    asked = rest[drawn]
    mask, chance, noun = near_copies(train, one, other, asked)
    count = int(mask.sum())
    if count < FEWEST or chance > SURE:
        return
    share = count / len(asked)
    side = {"": "of the validated rows of a fold", "test": "of test rows", "valid": "of the labelled validation rows"}[
        part
    ]
    told = f"{share:.1%} {side} nearly equal {noun} among the {'other ' if not part else ''}training rows"
    advice = "make near copies a group and split by it" if not part else "drop them from training"
    severity = Severity.LEAK if share >= SHARE else Severity.WARNING
    names = tuple(str(name) for name in other.ids[asked[mask]][:5])
    yield Finding("near-duplicates", severity, told, advice, "share of rows", share, names)


def _in_corpora(material: Material) -> Iterator[Finding]:
    """Look for pictures of the labelled validation rows among those that a pretext task learns from.

    Equal files are the plugin's to tell: it knows which strategies would see them.
    """
    valid = material.prepared.dataset.valid
    if valid is None or not hasattr(valid.inputs, "sketches"):
        return
    for name, corpus in material.prepared.dataset.unlabelled.items():
        if not hasattr(corpus.inputs, "sketches"):
            continue
        mask = _near_bits(corpus.inputs.sketches(), valid.inputs.sketches())
        if hasattr(valid.inputs, "digests") and hasattr(corpus.inputs, "digests"):
            mask &= ~np.isin(np.array(valid.inputs.digests()), np.array(corpus.inputs.digests()))
        if mask.sum() < FEWEST:
            continue
        share = float(mask.mean())
        told = f"{mask.sum()} of {len(valid):,} labelled validation rows ({share:.1%}) look the same as rows of {name}/"
        told += ", which are there to pretrain on"
        severity = Severity.LEAK if share >= SHARE else Severity.WARNING
        names = tuple(str(one) for one in valid.ids[mask][:5])
        yield Finding("near-duplicates", severity, told, f"remove them from {name}/", "share of rows", share, names)


def near_copies(train: Examples, one: Codes, other: Examples, asked: Codes) -> tuple[Mask, float, str]:
    """Find which of the asked rows have a near copy among the rows `one` of train.

    Returns
    -------
    mask : (m,) bool
        Equal rows are no near copies.
    chance : float
        That so many are near by chance.
    noun : str
        What the copy is.
    """
    nothing = np.zeros(len(asked), dtype=bool)
    if hasattr(train.inputs, "sketches") and hasattr(other.inputs, "sketches"):
        return _near_bits(train.inputs.sketches()[one], other.inputs.sketches()[asked]), 0.0, "a picture"
    mine, theirs = numbers_in(train.inputs, one), numbers_in(other.inputs, asked)
    if mine is not None and theirs is not None and mine.shape[1] == theirs.shape[1]:
        return *_near_rows(mine, theirs), "a row"
    texts, others = texts_in(train.inputs), texts_in(other.inputs)
    if texts and others:
        some = np.sort(np.random.default_rng(SEED).permutation(one)[:TEXTS])
        return _near_texts([texts[row] for row in some], [others[row] for row in asked]), 0.0, "a text"
    return nothing, 1.0, ""


def numbers_in(inputs: Any, rows: Codes) -> NDArray[np.float64] | None:
    """Return the columns of a table that hold numbers, float64, or None."""
    if isinstance(inputs, np.ndarray) and inputs.ndim == 2 and inputs.dtype.kind in "iuf":
        array: NDArray[np.float64] = inputs[rows].astype(np.float64)
        return array
    if not isinstance(inputs, pd.DataFrame):
        return None
    table = inputs.iloc[rows, np.flatnonzero([is_number(dtype) for dtype in inputs.dtypes])]
    return np.column_stack([finite(table.iloc[:, at]) for at in range(table.shape[1])]) if table.shape[1] else None


def _near_rows(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[Mask, float]:
    nothing = np.zeros(len(theirs), dtype=bool)
    usable = [at for at in range(mine.shape[1]) if len(np.unique(mine[:1000, at])) > VALUES]
    if len(usable) < FEWEST_COLUMNS or len(mine) <= FIFTH:
        return nothing, 1.0
    both = np.concatenate([mine, theirs])
    ranks = np.column_stack([rank(both[:, at]) for at in usable]).astype(np.float32)
    nearest, fifth = _distances(ranks[: len(mine)], ranks[len(mine) :])
    usual = (nearest > 0) & (fifth > 0)
    if usual.sum() < FEWEST:
        return nothing, 1.0
    shares = np.sqrt(nearest[usual] / fifth[usual])
    median = min(float(np.median(shares)), 0.999)
    dimensions = np.log(1 - 0.5 ** (1 / (FIFTH - 1))) / np.log(median)
    chance = 1 - (1 - CLOSE**dimensions) ** (FIFTH - 1)
    mask = nothing
    mask[usual] = shares < CLOSE
    from scipy.stats import binom

    return mask, float(binom.sf(int(mask.sum()) - 1, int(usual.sum()), chance))


def _distances(mine: NDArray[np.float32], theirs: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return squared distances to the nearest and the fifth nearest row."""
    squares = (mine**2).sum(axis=1)
    nearest, fifth = np.empty(len(theirs)), np.empty(len(theirs))
    for start in range(0, len(theirs), 100):
        block = theirs[start : start + 100]
        rough = squares - 2 * (block @ mine.T)
        at = np.argpartition(rough, FIFTH - 1, axis=1)[:, :FIFTH]
        # differences of large squares lose what sets near rows apart; of the few nearest it is computed anew
        exact = np.sort(((mine[at].astype(np.float64) - block[:, None]) ** 2).sum(axis=2), axis=1)
        nearest[start : start + 100], fifth[start : start + 100] = exact[:, 0], exact[:, -1]
    return nearest, fifth


def _near_bits(mine: Bits, theirs: Bits) -> Mask:
    mask = np.zeros(len(theirs), dtype=bool)
    if len(mine) <= FIFTH:
        return mask
    for row, sketch in enumerate(theirs):
        apart = np.partition(np.bitwise_count(mine ^ sketch), FIFTH - 1)
        mask[row] = bool(apart[:FIFTH].min() <= BITS_APART) and bool(apart[FIFTH - 1] >= BITS_USUAL)
    return mask


def _near_texts(mine: list[str], theirs: list[str]) -> Mask:
    ours, asked = minhash(mine), minhash(theirs)
    known = set(mine)
    mask = np.zeros(len(theirs), dtype=bool)
    bands = 4
    for first in range(0, HASHES, bands):
        place: dict[bytes, list[int]] = {}
        for number, key in enumerate(ours[:, first : first + bands]):
            place.setdefault(key.tobytes(), []).append(number)
        for row in np.flatnonzero(~mask):
            found = place.get(asked[row, first : first + bands].tobytes(), [])[:50]
            if found and theirs[row] not in known and len(theirs[row]) >= 3 * SHINGLE:
                mask[row] = bool(((ours[found] == asked[row]).mean(axis=1) >= ALIKE).any())
    return mask


def minhash(texts: list[str]) -> NDArray[np.uint32]:
    """Return a sketch of each text: the least of its runs of letters under each of several hashes.

    Returns
    -------
    (n, 32) uint32
        The share of places in which two sketches agree estimates the Jaccard similarity of their runs.
    """
    joined = [text.lower().encode().ljust(SHINGLE, b"\0") for text in texts]
    letters = np.frombuffer(b"".join(joined), dtype=np.uint8).astype(np.uint64)
    lengths = np.array([len(text) for text in joined])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    runs = np.zeros(len(letters), dtype=np.uint64)
    for at in range(SHINGLE):
        runs[: len(runs) - at] |= letters[at:] << np.uint64(8 * at)
    # a run that goes on into the next text belongs to none
    last = np.repeat(starts + lengths - SHINGLE, lengths)
    runs[np.arange(len(runs)) > last] = np.iinfo(np.uint64).max
    outside = np.arange(len(runs)) > last
    rng = np.random.default_rng(SEED)
    sketch = np.empty((len(texts), HASHES), dtype=np.uint32)
    for column in range(HASHES):
        factor = np.uint64(int(rng.integers(1, 2**63)) * 2 + 1)
        mixed = (runs ^ (runs >> np.uint64(29))) * factor
        hashed = (mixed >> np.uint64(32)).astype(np.uint32)
        hashed[outside] = np.iinfo(np.uint32).max
        sketch[:, column] = np.minimum.reduceat(hashed, starts)
    return sketch
