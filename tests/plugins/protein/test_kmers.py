"""Words of sequences, counted; against plain Python and scikit-learn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from harness_protein.homology.kmers import MURPHY, Word, count, having, placed, rarity, residues, sets, weighted, words
from harness_protein.residues import ALPHABET
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError

TEXTS = st.lists(st.text(ALPHABET + "X", min_size=1, max_size=30), min_size=1, max_size=8)


def slow(text: str, word: Word) -> list[str]:
    found = []
    for start in range(len(text) - len(word.pattern) + 1):
        read = [text[start + offset] for offset in word.offsets]
        if "X" not in read:
            found.append("".join(next(c for c in word.classes if letter in c) for letter in read))
    return found


@given(TEXTS, st.sampled_from([Word("1"), Word("11"), Word("111"), Word("1101"), Word("101", MURPHY)]))
def test_counts_are_those_of_plain_python(texts, word):
    counted = count(residues(texts), word)
    for row, text in enumerate(texts):
        expected = sorted(Counter(slow(text, word)).values())
        assert sorted(counted.matrix[row].data.astype(int).tolist()) == expected
    total = Counter(w for text in texts for w in slow(text, word))
    assert len(counted.codes) == len(total)
    assert sorted(np.asarray(counted.matrix.sum(axis=0)).ravel()) == sorted(total.values())


def test_a_word_is_a_number_in_base_twenty_and_knows_its_place():
    rows, codes, positions = words(residues(["ACD", "XAC", "A"]), Word("11"))
    assert rows.tolist() == [0, 0, 1]
    assert codes.tolist() == [0 * 20 + 1, 1 * 20 + 2, 1]
    assert positions.tolist() == [0, 1, 1]


def test_words_never_reach_into_the_next_sequence():
    assert count(residues(["AC", "DE"]), Word("11")).matrix.nnz == 2
    assert count(residues(["A", "C", "D"]), Word("11")).matrix.shape == (3, 0)


def test_classes_of_residues_cover_the_alphabet_once():
    assert sorted("".join(MURPHY)) == sorted(ALPHABET)


def test_a_new_sequence_is_weighed_as_if_it_were_known():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACDEFGHIKL"), 30)) for _ in range(12)]
    word = Word("11")
    known, every = count(residues(texts[:-1]), word), count(residues(texts), word)
    new = placed(residues(texts[-1:]), word, known.codes, having(known.matrix), 11)
    together = weighted(every.matrix, rarity(having(every.matrix), 12))[[11]].toarray()[0]
    at = np.searchsorted(every.codes, known.codes)
    np.testing.assert_allclose(new.toarray()[0], together[at], atol=1e-6)
    assert placed(residues(["WWW"]), word, known.codes, having(known.matrix), 11).nnz == 0


def test_weights_are_those_of_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACDE"), 40)) for _ in range(12)]
    known = TfidfVectorizer(analyzer="char", ngram_range=(2, 2), lowercase=False, sublinear_tf=True).fit_transform(
        texts
    )
    counted = count(residues(texts), Word("11"))
    own = weighted(counted.matrix, rarity(having(counted.matrix), len(texts)))
    np.testing.assert_allclose((own @ own.T).toarray(), (known @ known.T).toarray(), atol=1e-5)
    assert set(sets(counted).data) == {1.0}


def test_a_table_is_refused_in_one_line():
    with pytest.raises(DataError, match="protein sequences"):
        residues(pd.DataFrame({"a": [1.0]}))
    with pytest.raises(DataError, match="protein sequences"):
        residues(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="at most 9"):
        count(residues(["ACD"]), Word("1" * 10))
