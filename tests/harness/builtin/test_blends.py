"""Weights of a blend: known ones are found, gradients are right, and nothing is learned from noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import expit, logit, softmax

from harness.builtin.blends import LEARNED, apply, fit, objective
from harness.competition import BLEND_METHODS
from harness.data import TaskType

BINARY, MULTICLASS, MULTILABEL, REGRESSION = TaskType
LABELS = [BINARY, MULTICLASS, MULTILABEL]


def members(task: TaskType, n: int = 60, m: int = 3, seed: int = 0):
    """Return predictions (m, n, k) and targets that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    if task is REGRESSION:
        return rng.normal(size=(m, n, 1)), rng.normal(size=n)
    if task is MULTILABEL:
        return rng.uniform(size=(m, n, 4)), rng.integers(0, 2, (n, 4)).astype(np.int8)
    k = 2 if task is BINARY else 4
    return rng.dirichlet(np.ones(k), (m, n)), rng.integers(0, k, n)


def drawn(chances, rng):
    return (rng.uniform(size=(len(chances), 1)) < chances.cumsum(axis=1)).argmax(axis=1)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("method", "task", "absolute"),
    [(method, task, False) for method in sorted(LEARNED) for task in LABELS]
    + [("linear", REGRESSION, False), ("linear", REGRESSION, True)],
)
def test_gradients_are_those_of_finite_differences(method, task, absolute, weighted):
    values, targets = members(task)
    rows = np.random.default_rng(1).uniform(0.1, 2, len(targets)) if weighted else None
    loss = objective(method, values, targets, rows, task, absolute)
    at = np.array([0.5, 0.2, 0.3])
    expected = approx_fprime(at, lambda weights: loss(weights)[0], 1e-7)
    np.testing.assert_allclose(loss(at)[1], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("task", [BINARY, MULTICLASS])
def test_a_log_linear_blend_finds_the_weights_that_made_the_classes(task):
    rng = np.random.default_rng(3)
    values, _ = members(task, n=20_000)
    true = np.array([1.2, 0.5, 0.0])
    targets = drawn(softmax(np.tensordot(true, np.log(values), 1), axis=1), rng)
    np.testing.assert_allclose(fit("log_linear", values, targets, None, task), true, atol=0.05)


def test_a_log_linear_blend_of_labels_weighs_logits():
    rng = np.random.default_rng(4)
    values = rng.uniform(0.05, 0.95, size=(2, 8000, 3))
    chances = expit(0.8 * logit(values[0]) + 0.3 * logit(values[1]))
    targets = (rng.uniform(size=chances.shape) < chances).astype(np.int8)
    weights = fit("log_linear", values, targets, None, MULTILABEL)
    np.testing.assert_allclose(weights, [0.8, 0.3], atol=0.05)
    expected = expit(weights[0] * logit(values[0]) + weights[1] * logit(values[1]))
    np.testing.assert_allclose(apply("log_linear", weights, values, MULTILABEL), expected)


def test_a_linear_blend_finds_the_mixture_that_made_the_classes():
    rng = np.random.default_rng(5)
    values, _ = members(MULTICLASS, n=20_000)
    targets = drawn(np.tensordot([0.7, 0.3, 0.0], values, 1), rng)
    np.testing.assert_allclose(fit("linear", values, targets, None, MULTICLASS), [0.7, 0.3, 0.0], atol=0.04)


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_linear_blend_finds_the_mean_that_made_the_points(absolute, scale):
    rng = np.random.default_rng(6)
    values, _ = members(REGRESSION, n=3000)
    targets = np.tensordot([0.6, 0.4, 0.0], values, 1)[:, 0] + rng.normal(size=3000) * 0.2
    weights = fit("linear", values * scale, targets * scale, None, REGRESSION, absolute)
    np.testing.assert_allclose(weights, [0.6, 0.4, 0.0], atol=0.02)


def test_rows_count_by_their_evaluation_weight():
    values, targets = members(MULTICLASS, n=300)
    times = np.random.default_rng(8).integers(1, 4, 300)
    rows = np.repeat(np.arange(300), times)
    repeated = objective("log_linear", values[:, rows], targets[rows], None, MULTICLASS)
    weighted = objective("log_linear", values, targets, times.astype(float), MULTICLASS)
    # apart from the prior, which is worth a row whatever the rows are
    at = np.full(3, 1 / 3)
    assert weighted(at)[0] == pytest.approx(repeated(at)[0])
    np.testing.assert_allclose(weighted(at)[1], repeated(at)[1], atol=1e-12)


@pytest.mark.parametrize("method", sorted(LEARNED))
def test_twins_share_their_weight_and_perfect_members_keep_it_finite(method):
    one, targets = members(MULTICLASS, n=200)
    twins = np.stack([one[0], one[0], one[1]])
    weights = fit(method, twins, targets, None, MULTICLASS)
    assert weights[0] == pytest.approx(weights[1], abs=1e-4)
    sure = 0.98 * np.eye(4)[targets] + 0.005
    weights = fit(method, np.stack([sure, sure]), targets, None, MULTICLASS)
    assert np.isfinite(weights).all()
    assert weights[0] == pytest.approx(weights[1], abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([(m, t) for m, tasks in BLEND_METHODS.items() for t in sorted(tasks)]), st.integers(0, 99))
def test_a_blend_is_a_prediction_and_knows_no_order_of_rows(case, seed):
    method, task = case
    values, targets = members(task, n=30, seed=seed)
    weights = fit(method, values, targets, None, task)
    assert (weights >= 0).all()
    assert method == "log_linear" or weights.sum() == pytest.approx(1)
    found = apply(method, weights, values, task, values)
    assert found.shape == values.shape[1:]
    if task is not REGRESSION:
        assert (found >= 0).all()
        assert (found <= 1 + 1e-12).all()
    if task.single_label:
        np.testing.assert_allclose(found.sum(axis=1), 1)
    some = np.array([3, 11])
    np.testing.assert_allclose(apply(method, weights, values[:, some], task, values), found[some])


def test_ranks_and_medians_by_hand():
    one, two = np.array([0.1, 0.4, 0.4, 0.9]), np.array([0.2, 0.1, 0.3, 0.4])
    values = np.stack([np.column_stack([1 - p, p]) for p in (one, two)])
    found = apply("rank_mean", np.array([0.5, 0.5]), values, BINARY, values)
    ranks = (np.array([0.5, 2, 2, 3.5]) + np.array([1.5, 0.5, 2.5, 3.5])) / 8
    np.testing.assert_allclose(found, np.column_stack([1 - ranks, ranks]))
    points = np.array([1.0, 9.0, 2.0])[:, None, None]
    assert apply("median", np.full(3, 1 / 3), points, REGRESSION).tolist() == [[2.0]]


def nested(method, values, targets, folds):
    out = np.empty(values.shape[1:])
    for fold in np.unique(folds):
        own = folds == fold
        weights = fit(method, values[:, ~own], targets[~own], None, MULTICLASS)
        out[own] = apply(method, weights, values[:, own], MULTICLASS)
    return out


@pytest.mark.parametrize("method", sorted(LEARNED))
def test_the_nested_estimate_agrees_with_new_rows_over_simulated_boards(method):
    """Five noisy versions of the truth; the blend's own score is compared with that of rows nobody has seen."""

    def losses(said, classes):
        return -np.log(said[np.arange(len(classes)), classes])

    gaps = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        scores = rng.normal(size=(1150, 3))
        targets = drawn(softmax(scores, axis=1), rng)
        values = softmax(scores + rng.normal(size=(5, 1150, 3)) * np.linspace(0.5, 4, 5)[:, None, None], axis=2)
        old, new = slice(0, 150), slice(150, None)
        estimate = losses(nested(method, values[:, old], targets[old], np.arange(150) % 5), targets[old]).mean()
        weights = fit(method, values[:, old], targets[old], None, MULTICLASS)
        gaps.append(estimate - losses(apply(method, weights, values[:, new], MULTICLASS), targets[new]).mean())
    assert abs(np.mean(gaps)) < np.std(gaps, ddof=1) / np.sqrt(50) * 2
    assert np.mean(gaps) > -0.01


def test_pure_noise_blended_is_no_better_than_knowing_nothing():
    rng = np.random.default_rng(0)
    values, targets = rng.dirichlet(np.full(3, 20.0), (6, 600)), rng.integers(0, 3, 600)
    found = nested("log_linear", values, targets, np.arange(600) % 5)
    loss = -np.log(found[np.arange(600), targets])
    assert loss.mean() > np.log(3) - 2 * loss.std() / np.sqrt(600)
