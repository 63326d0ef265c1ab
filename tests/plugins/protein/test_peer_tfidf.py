"""TF-IDF of words and logistic regression."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from harness_protein.homology.kmers import MURPHY, Word, residues
from harness_protein.peers.shares import completed, row_weights
from harness_protein.peers.tfidf import TfidfParams, build, recipe
from harness_protein.peers.words import Kind, kinds, learn, matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from harness.data import Dataset
from harness.errors import ConfigError, DataError, StoreError
from harness.offers import BuildContext
from harness.testing import check_model, failures
from tests.plugins.protein.peer_families import Log, families, log_loss, odd_rows, prior_loss

PLAIN = TfidfParams(words=("11", "111"), reduced=(), sections=1)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return families()


def test_the_kit_passes(data):
    findings = list(check_model(recipe(), None, data, hostile=True))
    assert failures(findings) == []
    assert not any(found.skipped for found in findings)


def test_families_are_learned(data):
    model = build(TfidfParams(), data.info, BuildContext())
    model.fit(data.train, None, Log())
    truth = data.test.meta["truth"].to_numpy()
    assert log_loss(model.predict(data.test).values, truth) < 0.5 * prior_loss(data)


@pytest.mark.parametrize("rarity", [True, False])
def test_contiguous_words_weigh_as_in_scikit_learn(data, rarity):
    given = residues(data.train.inputs)
    kind = Kind(Word("11"))
    ours = matrix(given, kind, learn(given, kind, 2, 10_000, rarity), sublinear=False)
    theirs = TfidfVectorizer(analyzer="char", ngram_range=(2, 2), lowercase=False, min_df=2, use_idf=rarity)
    # both list words in the order of the alphabet
    np.testing.assert_allclose(ours.toarray(), theirs.fit_transform(data.train.inputs).toarray(), atol=1e-6)


def test_sections_share_a_word_between_their_middles():
    given = residues(["AAAACAAA"])
    kind = Kind(Word("1"), sections=2)
    vocabulary = learn(given, kind, 1, 100, rarity=False)
    found = matrix(given, kind, vocabulary, sublinear=False).toarray()[0]
    # the cysteine's middle lies at 4.5 of 8: 5/8 of the way from the first section's middle to the second's
    cysteine = found[vocabulary.codes // 2 == 1]
    np.testing.assert_allclose(cysteine[1] / cysteine[0], 5 / 3, rtol=1e-5)


def test_the_commonest_words_are_kept():
    given = residues(["AAC", "AAD", "AAE", "CCC"])
    vocabulary = learn(given, Kind(Word("11")), 1, 1, rarity=True)
    assert vocabulary.codes.tolist() == [0]
    np.testing.assert_allclose(vocabulary.rarity, [1 + np.log(5 / 4)], rtol=1e-6)


def test_kinds_of_words():
    found = kinds(("11", "101"), ("1111",), sections=4)
    assert [(kind.word.pattern, kind.word.classes == MURPHY, kind.sections) for kind in found] == [
        ("11", False, 1),
        ("101", False, 1),
        ("1111", True, 1),
        ("1", False, 4),
        ("11", False, 4),
    ]


def test_a_stored_model_predicts_the_same_of_odd_sequences(data, tmp_path):
    model = build(TfidfParams(), data.info, BuildContext())
    model.fit(data.train, None, Log())
    model.save(tmp_path)
    again = build(TfidfParams(), data.info, BuildContext())
    again.load(tmp_path)
    rows = odd_rows(data)
    values = model.predict(rows).values
    np.testing.assert_array_equal(values, again.predict(rows).values)
    np.testing.assert_allclose(values.sum(axis=1), 1)
    assert (values > 0).all()


def test_a_model_of_other_classes_is_refused(data, tmp_path):
    model = build(PLAIN, data.info, BuildContext())
    model.fit(data.train, None, Log())
    model.save(tmp_path)
    with pytest.raises(StoreError, match="other classes"):
        build(PLAIN, replace(data.info, classes=("x", "y", "z")), BuildContext()).load(tmp_path)


def test_a_class_that_training_lacks_has_a_small_probability(data):
    train = data.train.take(np.flatnonzero(data.train.targets != 1))
    model = build(PLAIN, data.info, BuildContext())
    model.fit(train, None, Log())
    np.testing.assert_allclose(model.predict(data.test).values[:, 1], 1 / (len(train) + 3), rtol=0.01)


def test_class_weights_raise_the_rare(data):
    rare = []
    for balanced in (False, True):
        model = build(replace(PLAIN, class_weights=balanced), data.info, BuildContext())
        model.fit(data.train, None, Log())
        rare.append(model.predict(data.test).values[:, 2].mean())
    assert rare[1] > rare[0]


def test_one_class_is_refused(data):
    with pytest.raises(DataError, match="one class"):
        build(PLAIN, data.info, BuildContext()).fit(
            data.train.take(np.flatnonzero(data.train.targets == 0)), None, Log()
        )


@pytest.mark.parametrize("pattern", ["", "0", "10", "21", "1" * 10])
def test_what_is_no_kind_of_words_is_refused(data, pattern):
    with pytest.raises(ConfigError, match="is no kind of words"):
        build(TfidfParams(words=("11", pattern)), data.info, BuildContext())


def test_counting_nothing_is_refused(data):
    with pytest.raises(ConfigError, match="nothing is counted"):
        build(TfidfParams(words=(), reduced=(), sections=1), data.info, BuildContext())


def test_a_penalty_is_chosen_on_the_holdout_given_and_all_rows_are_learned_from(data):
    cut = len(data.train) * 3 // 4
    train, inner = data.train.take(np.arange(cut)), data.train.take(np.arange(cut, len(data.train)))
    chosen, log = build(PLAIN, data.info, BuildContext()), Log()
    assert recipe().inner(PLAIN)
    chosen.fit(train, inner, log)
    (note,) = (text for text in log.notes if "penalty chosen" in text)
    assert f"on {len(inner)} held-out" in note
    strength = float(note.split("C = ")[1].split(",")[0])
    fixed = build(replace(PLAIN, strength=strength), data.info, BuildContext())
    assert not recipe().inner(fixed.params)
    fixed.fit(data.train, None, Log())
    np.testing.assert_array_equal(chosen.predict(data.test).values, fixed.predict(data.test).values)


def test_balanced_weights_by_hand(data):
    three = data.train.take(np.array([0, 1, 2]))
    three = replace(three, targets=np.array([0, 0, 2]), weights=np.array([1.0, 3.0, 2.0]))
    np.testing.assert_allclose(row_weights(three, balanced=True), [0.75, 2.25, 3.0])
    assert row_weights(three, balanced=False) is three.weights


def test_completed_never_gives_nothing():
    values = completed(np.array([[1.0, 0.0]]), np.array([0, 1]), 2, 10)
    assert values[0, 1] > 0
    np.testing.assert_allclose(values.sum(), 1)
