"""``protein.neighbours``: relatives decide, and what they tell is calibrated."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from harness_protein.homology.kmers import residues
from harness_protein.homology.logit import fit, probabilities
from harness_protein.homology.relatives import facts, reference
from harness_protein.homology.segments import BY_CHANCE, blosum62, index, segment_scores
from harness_protein.neighbours import RECIPE, NeighboursParams
from harness_protein.residues import ALPHABET

from harness.data import Dataset, DatasetInfo, Examples, TaskType
from harness.errors import DataError, StoreError
from harness.offers import BuildContext
from harness.testing import failures
from harness.testing.models import check_model
from tests.plugins.protein.conftest import mutated, random_sequence

REAL = os.environ.get("HARNESS_REAL_DATA", "")


def log_loss(values, targets) -> float:
    return float(-np.log(values[np.arange(len(targets)), targets]).mean())


def slow_best_segment(one: str, other: str) -> int:
    """The best ungapped stretch over all diagonals, by plain loops."""
    table = blosum62()
    best = 0
    for offset in range(-len(other) + 1, len(one)):
        run = 0
        for at in range(len(other)):
            if 0 <= at + offset < len(one):
                run = max(0, run + int(table[ALPHABET.index(one[at + offset]), ALPHABET.index(other[at])]))
                best = max(best, run)
    return best


def test_segments_are_those_of_plain_loops_where_relatives_are():
    rng = np.random.default_rng(0)
    pairs = []
    for length in (30, 45, 60):
        ancestor = random_sequence(rng, length)
        pairs.append((ancestor, random_sequence(rng, 7) + mutated(rng, ancestor, 0.7)))
    one, other = residues([a for a, _ in pairs]), residues([b for _, b in pairs])
    found = segment_scores(one, index(other), np.arange(3), np.arange(3))
    assert found[:, 0].tolist() == [slow_best_segment(a, b) for a, b in pairs]
    assert (found[:, 1] >= np.maximum(found[:, 0] - BY_CHANCE, 0)).all()


def test_segments_do_not_depend_on_what_stands_beside_them():
    rng = np.random.default_rng(1)
    texts = [random_sequence(rng, int(length)) for length in rng.integers(1, 400, 40)]
    targets = index(residues(texts))
    of, to = np.divmod(np.arange(1600), 40)
    together = segment_scores(residues(texts), targets, of, to)
    order = rng.permutation(1600)[:50]
    alone = np.concatenate([segment_scores(residues(texts), targets, of[[at]], to[[at]]) for at in order])
    assert (together[order] == alone).all()


def test_blosum62_is_symmetric_and_knows_tryptophan():
    table = blosum62()
    assert (table == table.T).all()
    assert table[ALPHABET.index("W"), ALPHABET.index("W")] == 11
    assert (table.diagonal()[:20] >= 4).all()


def test_a_sequence_has_no_say_in_its_own_class(families):
    examples, _ = families(n=6, members=4)
    given = examples.take(np.argsort(examples.targets, kind="stable"))
    bounds = np.searchsorted(given.targets, np.arange(4))
    known = reference(residues(given.inputs), bounds)
    own = facts(residues(given.inputs), known, 5, own=np.arange(len(given)))
    for row in (0, 7, 23):
        rest = np.delete(np.arange(len(given)), row)
        left = given.take(rest)
        alone = reference(residues(left.inputs), np.searchsorted(left.targets, np.arange(4)))
        expected = facts(residues(given.inputs[[row]]), alone, 5)
        # rarity of words differs by the one row; alignments do not
        np.testing.assert_allclose(own[row, :, -4:], expected[0, :, -4:], atol=1e-9)
        np.testing.assert_allclose(own[row], expected[0], atol=0.08)


def test_the_logistic_model_is_that_of_scikit_learn():
    """With nothing shared to learn (one fact, huge penalty on it) it is a plain multinomial regression."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 300)
    about = rng.normal(size=(300, 3, 2)) + 1.2 * np.eye(3)[targets][:, :, None]
    penalty = 0.01
    learned = fit(about, targets, np.ones(300), (100.0, penalty), 1000)
    x = ((about - learned["mean"]) / learned["scale"]).reshape(300, -1)
    peer = LogisticRegression(C=1 / (2 * penalty * 300), max_iter=2000, tol=1e-8).fit(x, targets)
    np.testing.assert_allclose(probabilities(about, learned), peer.predict_proba(x), atol=5e-3)


def test_relatives_decide_and_strangers_get_the_shares(families, info):
    examples, _ = families(n=40, members=6, identity=0.6)
    known = np.arange(len(examples)) % 6 != 0
    train, test = examples.take(np.flatnonzero(known)), examples.take(np.flatnonzero(~known))
    model = RECIPE.build(NeighboursParams(), info, BuildContext())
    model.fit(train, None, None)
    values = model.predict(test.unlabelled()).values
    assert (values.argmax(axis=1) == test.targets).mean() > 0.9
    assert log_loss(values, test.targets) < 0.35
    rng = np.random.default_rng(9)
    strangers = np.array([random_sequence(rng, 120) for _ in range(40)], dtype=object)
    ids = np.array([f"x{i}" for i in range(40)], dtype=object)
    unsure = model.predict(Examples(ids, strangers)).values
    assert unsure.max(axis=1).mean() < values.max(axis=1).mean() - 0.2
    assert (values > 0).all()


def test_a_batch_says_what_its_rows_say_alone(families, info):
    examples, _ = families(n=12, members=4)
    model = RECIPE.build(NeighboursParams(), info, BuildContext())
    model.fit(examples, None, None)
    together = model.predict(examples.unlabelled()).values
    alone = np.concatenate([model.predict(examples.take(np.array([row])).unlabelled()).values for row in range(5)])
    np.testing.assert_allclose(together[:5], alone, atol=1e-9)


def test_odd_sequences_are_predicted_too(families, info):
    examples, _ = families(n=12, members=4)
    model = RECIPE.build(NeighboursParams(learn_on=50), info, BuildContext())
    model.fit(examples, None, None)
    odd = np.array(["A", "XXXXXXXXX", "M" * 3000, "ACDX" * 5], dtype=object)
    values = model.predict(Examples(np.array(list("abcd"), dtype=object), odd)).values
    np.testing.assert_allclose(values.sum(axis=1), 1)
    assert (values > 0).all()


def test_the_kit_passes_it(families, info):
    examples, _ = families(n=20, members=4)
    assert failures(check_model(RECIPE, dataset=Dataset(info, examples), hostile=True)) == []


def test_what_it_cannot_do_is_told(families, info, tmp_path):
    examples, _ = families(n=4, members=2)
    model = RECIPE.build(NeighboursParams(), info, BuildContext())
    with pytest.raises(DataError, match="one training row has no neighbours"):
        model.fit(examples.take(np.array([0])), None, None)
    with pytest.raises(DataError, match="protein sequences"):
        model.fit(replace(examples, inputs=pd.DataFrame({"a": np.zeros(8)})), None, None)
    with pytest.raises(StoreError, match="train the run again"):
        model.load(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="HARNESS_REAL_DATA is not set")
@pytest.mark.parametrize(("name", "least", "lowest"), [("kinase_domain_ec8", 0.25, 0.94), ("enzyme_ec7", 0.85, 0.69)])
def test_real_sequences(name, least, lowest):
    from sklearn.model_selection import StratifiedKFold

    table = pd.read_csv(Path(REAL) / "protein" / name / "Train.csv")
    targets = table["target"].to_numpy(np.int64)
    classes = tuple(map(str, range(int(targets.max()) + 1)))
    examples = Examples(table["ID"].to_numpy(object), table["Sequence"].to_numpy(object), targets)
    values = np.zeros((len(targets), len(classes)))
    for train, valid in StratifiedKFold(5, shuffle=True, random_state=0).split(targets, targets):
        model = RECIPE.build(NeighboursParams(), DatasetInfo(name, TaskType.MULTICLASS, classes), BuildContext())
        model.fit(examples.take(train), None, None)
        values[valid] = model.predict(examples.take(valid).unlabelled()).values
    assert log_loss(values, targets) <= least
    assert (values.argmax(axis=1) == targets).mean() >= lowest
