"""Identity by shared words, against alignments (Needleman & Wunsch 1970) and Mash's formula."""

from __future__ import annotations

import time

import numpy as np
import pytest
from harness_protein.homology.identity import (
    band_names,
    band_of,
    from_containment,
    from_jaccard,
    nearest_identities,
    pair_identities,
    rare_pairs,
)
from harness_protein.homology.kmers import Word, count, residues, sets

from tests.plugins.protein.conftest import mutated, random_sequence


def aligned_identity(one: str, other: str) -> float:
    """Share of the shorter's residues that are the same in a global alignment: match 2, mismatch -1, gap -2."""
    a, b = np.array(list(one)), np.array(list(other))
    score = np.zeros((len(a) + 1, len(b) + 1))
    score[:, 0], score[0, :] = -2 * np.arange(len(a) + 1), -2 * np.arange(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            step = score[i - 1, j - 1] + (2 if a[i - 1] == b[j - 1] else -1)
            score[i, j] = max(step, score[i - 1, j] - 2, score[i, j - 1] - 2)
    i, j, same = len(a), len(b), 0
    while i and j:
        equal = a[i - 1] == b[j - 1]
        if score[i, j] == score[i - 1, j - 1] + (2 if equal else -1):
            same, i, j = same + int(equal), i - 1, j - 1
        elif score[i, j] == score[i - 1, j] - 2:
            i -= 1
        else:
            j -= 1
    return same / min(len(a), len(b))


@pytest.mark.parametrize("identity", [0.55, 0.7, 0.85, 0.95])
def test_the_estimate_is_near_the_alignment(identity):
    rng = np.random.default_rng(3)
    texts = []
    for _ in range(6):
        ancestor = random_sequence(rng, 200)
        other = mutated(rng, ancestor, identity)
        # a gap of ten residues shifts all that follow
        texts += [ancestor, other[:80] + other[90:]]
    one, other = np.arange(0, 12, 2), np.arange(1, 12, 2)
    estimated = pair_identities(sets(count(residues(texts), Word("11111"))), one, other, 5, 4)
    true = [aligned_identity(texts[a], texts[b]) for a, b in zip(one, other, strict=True)]
    assert np.abs(estimated - true).mean() < 0.07
    assert abs(estimated.mean() - np.mean(true)) < 0.05


def test_both_formulas_say_the_same_of_sequences_of_one_length():
    for identity in (0.4, 0.6, 0.9, 1.0):
        containment = identity**5
        assert from_containment(containment, 5) == pytest.approx(identity)
        # ln(x) ~ x - 1 holds near 1 only
        jaccard = containment / (2 - containment)
        assert from_jaccard(jaccard, 5) == pytest.approx(1 + np.log(containment) / 5)
        assert from_jaccard(jaccard, 5) <= identity + 1e-9


def test_unrelated_sequences_have_no_identity_and_fragments_have_theirs():
    rng = np.random.default_rng(0)
    long = random_sequence(rng, 300)
    texts = [long, random_sequence(rng, 300), long[100:140], "ACD"]
    matrix = sets(count(residues(texts), Word("11111")))
    found = pair_identities(matrix, np.array([0, 0, 0]), np.array([1, 2, 3]), 5, 4)
    assert found.tolist() == [0.0, 1.0, 0.0]
    assert rare_pairs(matrix, 4).tolist() == [[0, 2]]


def test_only_other_folds_count():
    rng = np.random.default_rng(0)
    one, two = random_sequence(rng, 100), random_sequence(rng, 100)
    found = nearest_identities(residues([one, one, two, two, two]), np.array([0, 0, 1, 2, -1]))
    assert found[:4].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert np.isnan(found[4])


def test_bands_begin_where_they_are_named():
    assert band_of(np.array([0.0, 0.299, 0.3, 0.5, 0.7, 0.9, 1.0])).tolist() == [0, 0, 1, 2, 3, 4, 4]
    assert len(band_names()) == 5


def test_thousands_of_sequences_take_seconds():
    rng = np.random.default_rng(0)
    texts = [random_sequence(rng, 300) for _ in range(2000)]
    start = time.perf_counter()
    nearest_identities(residues(texts), np.arange(2000) % 5)
    assert time.perf_counter() - start < 10
