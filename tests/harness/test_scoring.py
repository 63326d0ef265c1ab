"""Scores of a run: evaluation weights, means over folds and their spread, all against hand-worked numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.builtin.metrics import harness_metrics
from harness.data import Dataset, Examples, Predictions
from harness.offers import ALL_TASKS, Metric
from harness.prepare import Setting, prepare
from harness.results import Scored
from harness.scoring import evaluation_weights, oof_meta, score, scored_valid

METRICS = {metric.name: metric for metric in harness_metrics()}


@pytest.fixture
def toy(competitions, workspace):
    return prepare(Setting(competitions / "toy", workspace / "cache"))


def scored(targets, values, *, weights=None, folds=None, decisions=None) -> Scored:
    ids = np.array([f"r{row}" for row in range(len(targets))], dtype=object)
    hot = np.eye(3)[values.argmax(axis=1)] if decisions is None else decisions
    folds = np.zeros(len(targets), dtype=np.int64) if folds is None else folds
    return Scored(targets, Predictions(ids, values, ("ash", "beech", "cedar")), hot, weights, folds)


def guesses(n: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return np.arange(n) % 3, rng.dirichlet(np.ones(3), n)


def test_evaluation_weights_move_the_class_shares_to_the_prior_with_mean_one():
    targets = np.array([0] * 6 + [1] * 3 + [2])
    weights = evaluation_weights(targets, ("a", "b", "c"), {"c": 0.5, "a": 0.3, "b": 0.2})
    # shares are 0.6, 0.3, 0.1: ratios 0.5, 2/3, 5
    assert weights == pytest.approx([0.5] * 6 + [2 / 3] * 3 + [5.0])
    assert weights.mean() == pytest.approx(1)
    assert evaluation_weights(targets, ("a", "b", "c"), None) is None


def test_a_class_without_rows_leaves_the_others_in_their_proportion():
    weights = evaluation_weights(np.array([0, 0, 1]), ("a", "b", "c"), {"a": 0.25, "b": 0.25, "c": 0.5})
    assert weights == pytest.approx([0.75, 0.75, 1.5])


@given(st.lists(st.integers(0, 2), min_size=3, max_size=40), st.tuples(*[st.floats(0.05, 1)] * 3))
def test_weighted_shares_are_the_prior_whatever_the_rows(codes, wanted):
    targets = np.array([0, 1, 2, *codes])
    shares = np.array(wanted) / sum(wanted)
    weights = evaluation_weights(targets, ("a", "b", "c"), dict(zip("abc", shares, strict=True)))
    found = np.bincount(targets, weights=weights, minlength=3) / weights.sum()
    assert found == pytest.approx(shares)


@pytest.mark.parametrize("name", ["log_loss", "brier", "accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "mcc"])
def test_a_reweighted_score_is_the_score_of_rows_resampled_to_the_prior(toy, name):
    targets, values = guesses(30)
    # 10 rows of each class; repeated 1, 2 and 5 times they have shares 1/8, 2/8 and 5/8
    prior = {"ash": 1 / 8, "beech": 2 / 8, "cedar": 5 / 8}
    weights = evaluation_weights(targets, ("ash", "beech", "cedar"), prior)
    toy = replace(toy, metrics=(METRICS[name],))
    found, _ = score(toy, scored(targets, values, weights=weights), None, None)
    rows = np.repeat(np.arange(30), np.array([1, 2, 5])[targets])
    resampled, _ = score(toy, scored(targets[rows], values[rows]), None, None)
    plain, _ = score(toy, scored(targets, values), None, None)
    assert found[name].oof == pytest.approx(resampled[name].oof)
    assert found[name].raw_oof == pytest.approx(plain[name].oof)
    assert plain[name].raw_oof is None


def test_mean_and_standard_error_over_folds_by_hand(toy):
    toy = replace(toy, metrics=(METRICS["accuracy"],))
    hits = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
    targets = np.zeros(8, dtype=np.int64)
    values = np.where(hits[:, None], [1.0, 0, 0], [0, 1.0, 0])
    found, folds = score(toy, scored(targets, values, folds=np.array([0, 0, 0, 0, 1, 1, 2, 2])), None, None)
    # folds score 3/4, 1/2 and 0: mean 5/12, standard deviation sqrt(7/48), over sqrt(3)
    assert folds == {"accuracy": [0.75, 0.5, 0.0]}
    assert found["accuracy"].oof == 0.5
    assert found["accuracy"].mean == pytest.approx(5 / 12)
    assert found["accuracy"].stderr == pytest.approx(np.sqrt(7 / 48) / np.sqrt(3))
    assert found["accuracy"].valid is None


def test_one_fold_has_no_standard_error(toy):
    targets, values = guesses(6)
    found, _ = score(toy, scored(targets, values), None, None)
    assert found["log_loss"].mean == found["log_loss"].oof
    assert np.isnan(found["log_loss"].stderr)


def test_a_fold_that_does_not_define_a_metric_is_left_out_of_the_mean(toy):
    targets, values = guesses(9)
    targets = targets.copy()
    targets[6:] = 0
    toy = replace(toy, metrics=(METRICS["roc_auc"],))
    found, folds = score(toy, scored(targets, values, folds=np.arange(9) // 3), None, None)
    defined = folds["roc_auc"][:2]
    assert np.isnan(folds["roc_auc"][2])
    assert found["roc_auc"].mean == pytest.approx(np.mean(defined))
    assert found["roc_auc"].stderr == pytest.approx(abs(defined[0] - defined[1]) / 2)
    assert np.isfinite(found["roc_auc"].oof)


def test_metrics_of_decisions_get_decisions_and_the_meta_of_the_same_rows(toy):
    given = []

    def keep(targets, values, weights, meta):
        given.append((values, list(meta["place"]), list(meta.index)))
        return 0.0

    targets, values = guesses(4)
    decisions = np.eye(3)[[2, 2, 1, 0]]
    toy = replace(toy, metrics=(Metric("kept", "", "max", "decisions", ALL_TASKS, keep),))
    rows = scored(targets, values, decisions=decisions, folds=np.array([1, 0, 1, 0]))
    score(toy, rows, pd.DataFrame({"place": list("abcd")}), None)
    of_fold = [(list(place), index) for _, place, index in given[:2]]
    assert of_fold == [(["b", "d"], [0, 1]), (["a", "c"], [0, 1])]
    assert given[0][0].tolist() == decisions[[1, 3]].tolist()


def test_the_labelled_set_is_scored_on_its_scored_rows_without_weights(toy):
    targets, values = guesses(6)
    ids = np.array([f"v{row}" for row in range(6)], dtype=object)
    scores = np.array([True, False, True, True, False, True])
    valid = Examples(ids, values, targets, pd.DataFrame({"place": list("abcdef")}), scored=scores)
    dataset = replace(toy.dataset, valid=valid)
    predictions = Predictions(ids, values, ("ash", "beech", "cedar"))
    toy = replace(toy, dataset=dataset)
    found = scored_valid(dataset, predictions, np.eye(3)[values.argmax(axis=1)])
    assert list(found.predictions.ids) == ["v0", "v2", "v3", "v5"]
    assert set(found.folds) == {-1}
    kept, _ = score(toy, scored(targets, values), None, found)
    expected, _ = score(toy, scored(targets[scores], values[scores]), None, None)
    assert kept["log_loss"].valid == pytest.approx(expected["log_loss"].oof)
    assert scored_valid(replace(dataset, valid=None), None, None) is None


def test_meta_of_oof_rows_follows_the_training_rows(toy):
    train = toy.dataset.train
    assert oof_meta(toy) is None
    meta = pd.DataFrame({"row": np.arange(len(train))})
    dataset: Dataset = replace(toy.dataset, train=replace(train, meta=meta))
    some = replace(toy, dataset=dataset, folds=toy.folds[1:])
    wanted = np.sort(np.concatenate([fold.valid for fold in toy.folds[1:]]))
    assert oof_meta(some)["row"].tolist() == wanted.tolist()
