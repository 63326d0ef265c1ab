"""Comparing with the best: held against closed forms, and against simulations whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.builtin.metrics import harness_metrics
from harness.paired import ALPHA, compare, degrees_of_freedom, differences, holm, two_sided
from harness.resampling import MEAN_DRAWS, Entries, bootstrap, fold_deviations

METRICS = {metric.name: metric for metric in harness_metrics()}
LOSS, AUC = METRICS["log_loss"], METRICS["roc_auc"]


def entries_of(metric, targets, values, folds=None, units=None, weights=None, refit=0.0, refit_df=np.inf):
    """Put entries side by side, best first."""

    def score(rows):
        weighed = None if weights is None else weights[rows]
        return np.array([metric.score(targets[rows], one[rows], weighed, None) for one in values])

    sign = 1 if metric.direction == "min" else -1
    values = [values[place] for place in np.argsort(sign * score(np.arange(len(targets))), kind="stable")]
    return Entries(
        score=score,
        scores=score(np.arange(len(targets))),
        sign=sign,
        units=np.arange(len(targets)) if units is None else units,
        folds=folds,
        losses=np.stack([metric.per_row(targets, one) for one in values], axis=1) if metric.per_row else None,
        weights=weights,
        columns=values[0].shape[1],
        refit=np.full(len(values), refit),
        refit_df=np.full(len(values), refit_df),
    )


def made(seed, rows=300, folds=5, skills=(1.0, 1.0), fit=0.0):
    """Simulate models that share how hard a row is: targets, probabilities, folds."""
    rng = np.random.default_rng(seed)
    signal, hard = 1.5 * rng.normal(size=rows), rng.normal(size=rows)
    targets = (rng.random(rows) < 1 / (1 + np.exp(-signal))).astype(np.int64)
    fold = rng.permutation(np.arange(rows) % folds)
    values = []
    for skill in skills:
        trained = skill + fit * rng.normal(size=folds)[fold]
        positive = 1 / (1 + np.exp(-(trained * signal + hard + 0.6 * rng.normal(size=rows))))
        values.append(np.stack([1 - positive, positive], axis=1))
    return targets, values, fold


def test_the_bootstrap_of_a_mean_has_the_standard_error_of_a_paired_mean():
    targets, values, _ = made(0)
    entries = entries_of(LOSS, targets, values)
    drawn = bootstrap(entries, np.random.default_rng(0))
    difference = entries.losses[:, 1] - entries.losses[:, 0]
    assert drawn.shape == (MEAN_DRAWS, 2)
    assert (drawn[:, 1] - drawn[:, 0]).std() == pytest.approx(difference.std() / np.sqrt(300), rel=0.1)


def test_the_bootstrap_of_an_auc_has_the_standard_error_of_delong():
    targets, values, _ = made(0)
    entries = entries_of(AUC, targets, values[:1])
    drawn = bootstrap(entries, np.random.default_rng(0))
    parts = [values[0][targets == code, 1] for code in (1, 0)]
    above = (parts[0][:, None] > parts[1][None, :]).astype(float)
    delong = above.mean(axis=1).var(ddof=1) / len(parts[0]) + above.mean(axis=0).var(ddof=1) / len(parts[1])
    assert drawn.std() == pytest.approx(np.sqrt(delong), rel=0.2)


def test_draws_of_fewer_rows_have_the_spread_of_whole_ones():
    targets, values, _ = made(0, rows=30_000)
    by_mean = bootstrap(entries_of(LOSS, targets, values), np.random.default_rng(0))
    by_rows = bootstrap(entries_of(replace(LOSS, per_row=None), targets, values), np.random.default_rng(0))
    assert by_rows.std(axis=0) == pytest.approx(by_mean.std(axis=0), rel=0.2)


def test_groups_are_drawn_whole():
    # ten copies of each row tell no more than one
    targets, values, _ = made(0, rows=100)
    single = bootstrap(entries_of(LOSS, targets, values), np.random.default_rng(0)).std(axis=0)
    repeated = [np.repeat(one, 10, axis=0) for one in values]
    groups = np.repeat(np.arange(100), 10)
    for metric in (LOSS, replace(LOSS, per_row=None)):
        drawn = bootstrap(entries_of(metric, np.repeat(targets, 10), repeated, units=groups), np.random.default_rng(1))
        assert drawn.std(axis=0) == pytest.approx(single, rel=0.2)


def test_weights_of_rows_count_in_every_draw():
    targets, values, _ = made(0)
    weights = np.where(targets == 1, 0.2, 1.8)
    means = bootstrap(entries_of(LOSS, targets, values, weights=weights), np.random.default_rng(0))
    rows = bootstrap(
        entries_of(replace(LOSS, per_row=None), targets, values, weights=weights), np.random.default_rng(0)
    )
    assert means.std(axis=0) == pytest.approx(rows.std(axis=0), rel=0.2)
    assert means.std(axis=0) != pytest.approx(
        bootstrap(entries_of(LOSS, targets, values), np.random.default_rng(0)).std(axis=0), rel=0.02
    )


def test_the_jackknife_over_equal_folds_is_the_variance_of_fold_differences_over_their_number():
    targets, values, folds = made(0)
    entries = entries_of(LOSS, targets, values, folds)
    by_fold = fold_deviations(entries)
    losses = entries.losses[:, 1] - entries.losses[:, 0]
    means = [losses[folds == fold].mean() for fold in range(5)]
    assert ((by_fold[:, 1] - by_fold[:, 0]) ** 2).sum() == pytest.approx(np.var(means, ddof=1) / 5)


def test_two_folds_tell_nothing_of_another_training():
    targets, values, folds = made(0, folds=2)
    assert fold_deviations(entries_of(LOSS, targets, values, folds)) is None


def test_holm_steps_down_and_never_decreases():
    p = np.array([0.01, 0.5, 0.02, 0.03])
    assert holm(p).tolist() == pytest.approx([0.04, 0.5, 0.06, 0.06])
    assert holm(np.array([])).tolist() == []


def test_the_same_predictions_under_several_names_count_once():
    targets, values, folds = made(1, skills=(1.0, 0.8))
    pair = entries_of(LOSS, targets, values, folds)
    alone = compare(pair)
    many = entries_of(LOSS, targets, [values[0], *[values[1]] * 4], folds)
    counted = compare(replace(many, same_as=np.array([0, 1, 1, 1, 1])))
    assert counted.p[1:].tolist() == pytest.approx([alone.p[1]] * 4)
    assert compare(many).p[1] == pytest.approx(min(1.0, 4 * alone.p[1]))
    twice = entries_of(LOSS, targets, [values[0], values[0], values[1]], folds)
    assert compare(replace(twice, same_as=np.array([0, 0, 1]))).p.tolist() == pytest.approx([1.0, 1.0, alone.p[1]])


def test_a_difference_of_many_errors_that_few_folds_cannot_tell_is_marked():
    targets = np.tile([0, 1], 150)
    better = np.where(targets[:, None] == [0, 1], 0.7, 0.3)
    folds = np.repeat([0, 1, 2], 100)
    shift = np.array([0.1, 0.04, 0.07])[folds][:, None]
    worse = better + np.where(targets[:, None] == [0, 1], -shift, shift)
    few = compare(entries_of(LOSS, targets, [better, worse], folds))
    # by hand: a mean of 0.1057 with error 0.0274 over three folds; Student's t of two degrees needs 4.3
    assert few.difference[1] / few.stderr[1] == pytest.approx(3.8565, abs=1e-3)
    assert few.p[1] > ALPHA
    assert few.unsure.tolist() == [False, True]
    assert not compare(entries_of(LOSS, targets, [better, worse], np.arange(300) // 2 % 150)).unsure.any()


def test_degrees_of_freedom_are_those_of_the_folds_where_folds_tell_the_variance():
    found = degrees_of_freedom(np.array([0.0, 1.0, 2.0, 1.0]), np.array([1.0, 1.0, 1.0, 0.0]), 5)
    assert found.tolist() == [4.0, 4.0, 16.0, np.inf]


def test_what_is_equal_to_the_last_digit_is_tied_and_what_differs_without_spread_is_not():
    found = two_sided(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]), np.full(3, np.inf))
    assert found.tolist() == [1.0, 1.0, 0.0]
    targets, values, folds = made(0)
    same = compare(entries_of(LOSS, targets, [values[0], values[0]], folds))
    assert (same.p[1], same.difference[1], same.best.tolist()) == (1.0, 0.0, [0.5, 0.5])
    assert same.ranks.tolist() == [[1, 1], [1, 1]]


def test_one_entry_alone_is_the_best():
    targets, values, folds = made(0)
    alone = compare(entries_of(LOSS, targets, values[:1], folds))
    assert (alone.p.tolist(), alone.best.tolist(), alone.ranks.tolist()) == ([1.0], [1.0], [[1, 1]])
    assert np.isnan(alone.stability)


@pytest.mark.parametrize("metric", [LOSS, AUC])
def test_a_clearly_better_entry_is_best_and_ranks_are_stable(metric, monkeypatch):
    targets, values, folds = made(0, rows=1000, skills=(1.0, 0.3, -0.5))
    monkeypatch.setattr("harness.resampling.OTHER_DRAWS", 60)
    found = compare(entries_of(metric, targets, values, folds))
    assert (found.p[1:] < ALPHA).all()
    assert (found.difference[1:] > 0).all()
    assert found.best[0] > 0.99  # short of 1 by the tails of Student's t
    assert found.ranks.tolist() == [[1, 1], [2, 2], [3, 3]]
    assert found.stability == 1.0


def test_equal_entries_share_the_probability_of_being_best_and_their_ranks_are_wide():
    targets, values, folds = made(3, rows=1000, skills=(1.0,) * 4)
    found = compare(entries_of(LOSS, targets, values, folds))
    assert found.best.sum() == pytest.approx(1.0)
    assert found.best.max() < 0.95
    assert max(high - low for low, high in found.ranks) >= 2
    assert found.stability < 0.7


def test_the_probability_of_being_best_is_the_normal_one_for_two_entries():
    targets, values, _ = made(1, rows=1000, skills=(1.0, 0.95))
    entries = entries_of(LOSS, targets, values)
    difference = entries.losses[:, 1] - entries.losses[:, 0]
    z = difference.mean() / (difference.std() / np.sqrt(1000))
    assert compare(entries).best[0] == pytest.approx(stats.norm.cdf(z), abs=0.05)


def test_seeds_widen_a_difference_that_no_folds_can_tell():
    targets, values, _ = made(1, skills=(1.0, 0.0))
    narrow = compare(entries_of(LOSS, targets, values))
    wide = compare(entries_of(LOSS, targets, values, refit=0.01, refit_df=2.0))
    assert wide.stderr[1] == pytest.approx(np.sqrt(narrow.stderr[1] ** 2 + 0.02))
    assert narrow.p[1] < ALPHA < wide.p[1]
    assert wide.best[0] < narrow.best[0]


@pytest.mark.parametrize("metric", [LOSS, pytest.param(AUC, marks=pytest.mark.slow)], ids=["log loss", "auc"])
def test_of_two_entries_the_first_is_best_as_surely_as_the_test_says(metric):
    for seed in range(8):
        targets, values, folds = made(seed, rows=600, folds=5, fit=0.3, skills=(1.0, 0.9))
        found = compare(entries_of(metric, targets, values, folds))
        assert found.best[0] == pytest.approx(1 - found.p[1] / 2, abs=0.05)


def test_a_score_that_most_draws_do_not_define_is_refused():
    targets, values, _ = made(0)
    entries = entries_of(AUC, targets, values)
    with pytest.raises(ValueError, match="define every score"):
        bootstrap(replace(entries, score=lambda rows: np.array([np.nan, 0.5])), np.random.default_rng(0))


def test_the_same_seed_gives_the_same_answer():
    targets, values, folds = made(0)
    one, other = (compare(entries_of(LOSS, targets, values, folds)) for _ in range(2))
    assert (one.stderr.tolist(), one.best.tolist()) == (other.stderr.tolist(), other.best.tolist())


def called(entries):
    drawn = bootstrap(entries, np.random.default_rng(0))
    return differences(entries, drawn, fold_deviations(entries))[2][1] < ALPHA


@pytest.mark.parametrize(("folds", "fit"), [(5, 0.0), (5, 0.3), (10, 0.3)])
def test_equal_models_are_called_different_in_five_of_a_hundred_pairs_at_most(folds, fit):
    pairs = [entries_of(LOSS, *made(seed, folds=folds, fit=fit)) for seed in range(200)]
    assert sum(map(called, pairs)) <= 10


def test_a_model_better_by_three_standard_errors_of_its_own_score_is_told():
    # the scores of both are correlated, so that their difference is surer than either
    gap, own, told = [], [], 0
    for seed in range(60):
        targets, values, folds = made(seed, rows=2000, skills=(1.0, 0.565))
        entries = entries_of(LOSS, targets, values, folds)
        gap.append(LOSS.score(targets, values[1], None, None) - LOSS.score(targets, values[0], None, None))
        parts = [LOSS.score(targets[folds == k], values[0][folds == k], None, None) for k in range(5)]
        own.append(np.var(parts, ddof=1) / 5)
        told += called(entries)
    assert np.mean(gap) <= 3.02 * np.sqrt(np.mean(own))
    assert told >= 54
