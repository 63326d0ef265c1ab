"""Built-in adjusters against known answers."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import f1_score, log_loss

from harness.builtin import adjusters as offered
from harness.builtin.calibration import fit_temperature, scale
from harness.builtin.thresholds import best_cut, class_thresholds, label_thresholds, macro_f1
from harness.data import DatasetInfo, TaskType
from harness.errors import ConfigError
from harness.offers import Adjuster, AdjusterInput, Adjustment

BINARY, MULTI, LABELS = TaskType.BINARY, TaskType.MULTICLASS, TaskType.MULTILABEL


def adjuster(name: str) -> Adjuster:
    return {offer.name: offer for offer in offered.harness_adjusters()}[name]


def build(name: str, task: TaskType, k: int, **params: Any) -> Adjustment:
    offer = adjuster(name)
    return offer.build(offer.params(**params), DatasetInfo("d", task, tuple("abcdefgh"[:k])))


def oof(values: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None) -> AdjusterInput:
    return AdjusterInput(values, targets, weights, None, None, None, 0)


def overconfident(task: TaskType, k: int, temperature: float, n: int = 20000) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from true probabilities, and those probabilities made too sure by a known temperature."""
    rng = np.random.default_rng(7)
    if task is LABELS:
        logits = rng.normal(0, 1.5, (n, k))
        true = 1 / (1 + np.exp(-logits))
        return 1 / (1 + np.exp(-logits * temperature)), (rng.random((n, k)) < true).astype(np.int8)
    logits = rng.normal(0, 1.5, (n, k))
    true = softmax(logits, axis=1)
    return softmax(logits * temperature, axis=1), (true.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


def trained(name: str, task: TaskType, k: int) -> tuple[Adjustment, np.ndarray]:
    values, targets = overconfident(task, k, 2.0, n=500)
    adjustment = build(name, task, k)
    adjustment.fit(oof(values, targets))
    return adjustment, values


@pytest.mark.parametrize(("task", "k"), [(BINARY, 2), (MULTI, 3), (LABELS, 3)])
@pytest.mark.parametrize("temperature", [0.6, 2.5])
def test_temperature_is_recovered(task: TaskType, k: int, temperature: float) -> None:
    values, targets = overconfident(task, k, temperature)
    assert fit_temperature(values, targets, None, task) == pytest.approx(temperature, rel=0.05)


def test_temperature_minimises_the_weighted_log_loss() -> None:
    values, targets = overconfident(MULTI, 3, 2.0, n=400)
    weights = np.random.default_rng(1).random(400)
    found = fit_temperature(values, targets, weights, MULTI)
    losses = {
        t: log_loss(targets, scale(values, t, MULTI), sample_weight=weights) for t in (found * 0.98, found * 1.02)
    }
    assert log_loss(targets, scale(values, found, MULTI), sample_weight=weights) < min(losses.values())


def test_temperature_1_changes_nothing_and_extreme_values_stay_finite() -> None:
    values = np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(scale(values, 1.0, MULTI), values, atol=1e-14)
    assert np.isfinite(scale(values, 0.05, MULTI)).all()


@pytest.mark.parametrize(("task", "k"), [(BINARY, 2), (MULTI, 3), (LABELS, 3)])
def test_isotonic_is_monotone_and_rows_sum_to_one(task: TaskType, k: int) -> None:
    adjustment, values = trained("isotonic", task, k)
    mapped = adjustment.apply(values, None)
    assert mapped.min() > 0
    if task is not MULTI:  # rescaling rows of three classes may bend a single curve
        for column in range(k):
            assert (np.diff(mapped[np.argsort(values[:, column]), column]) >= -1e-12).all()
    if task.single_label:
        np.testing.assert_allclose(mapped.sum(axis=1), 1)


def test_isotonic_improves_log_loss_of_new_rows() -> None:
    values, targets = overconfident(MULTI, 3, 3.0)
    adjustment = build("isotonic", MULTI, 3)
    adjustment.fit(oof(values[:10000], targets[:10000]))
    mapped = adjustment.apply(values[10000:], None)
    assert log_loss(targets[10000:], mapped) < log_loss(targets[10000:], values[10000:]) - 0.1


def test_isotonic_ends_never_say_never() -> None:
    # Hand-worked: 4 rows, perfectly separated; the made-up rows at either end are worth one row each.
    p = np.array([0.1, 0.2, 0.8, 0.9])
    adjustment = build("isotonic", BINARY, 2)
    adjustment.fit(oof(np.column_stack([1 - p, p]), np.array([0, 0, 1, 1])))
    mapped = adjustment.apply(np.column_stack([1 - p, p]), None)
    np.testing.assert_allclose(mapped[:, 1], [1 / 3, 1 / 3, 2 / 3, 2 / 3])


def test_isotonic_equals_scikit_learn_where_ends_are_mixed() -> None:
    p = np.array([0.1, 0.1, 0.5, 0.6, 0.9, 0.9])
    y = np.array([0, 1, 1, 0, 1, 0])
    weights = np.array([1.0, 2, 1, 3, 1, 1])
    adjustment = build("isotonic", LABELS, 1)
    adjustment.fit(oof(p[:, None], y[:, None].astype(np.int8), weights))
    expected = IsotonicRegression().fit(np.append(p, [0.1, 0.9]), np.append(y, [1, 0]), np.append(weights, [1.5, 1.5]))
    np.testing.assert_allclose(adjustment.apply(p[:, None], None)[:, 0], expected.predict(p))


scored = st.lists(st.tuples(st.integers(0, 10), st.booleans(), st.integers(1, 3)), min_size=1, max_size=12)


@given(rows=scored, macro=st.booleans())
@settings(max_examples=50, deadline=None)
def test_best_cut_is_the_best_of_all_cuts(rows: list[tuple[int, bool, int]], macro: bool) -> None:
    scores = np.array([row[0] / 10 for row in rows])
    truth = np.array([row[1] for row in rows])
    weights = np.array([row[2] for row in rows], dtype=np.float64)

    def score(cut: float) -> float:
        kind: dict[str, Any] = {"average": "macro", "labels": [0, 1]} if macro else {"average": "binary"}
        return float(f1_score(truth, scores >= cut, sample_weight=weights, zero_division=0, **kind))

    every = [score(cut) for cut in np.arange(-0.05, 1.2, 0.1)]
    assert score(best_cut(scores, truth, weights, macro)) == pytest.approx(max(every))


def test_best_cut_hand_worked() -> None:
    # F1 with the first 1, 2, 3, 4 rows taken: 2/3, 2/4, 4/5, 4/6.
    scores, truth = np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False])
    assert best_cut(scores, truth, np.ones(4), macro=False) == pytest.approx(0.25)


def test_tuned_class_thresholds_beat_argmax_and_match_a_grid() -> None:
    rng = np.random.default_rng(3)
    y = rng.choice(3, 300, p=[0.8, 0.15, 0.05])
    z = rng.normal(0, 1, (300, 3))
    z[np.arange(300), y] += 1.2
    values, weights = softmax(z + np.log([0.8, 0.15, 0.05]), axis=1), rng.integers(1, 3, 300).astype(np.float64)
    tuned = class_thresholds(values, y, weights)
    got = macro_f1(np.argmax(values / tuned, axis=1), y, weights, 3)
    assert got > macro_f1(np.argmax(values, axis=1), y, weights, 3) + 0.03
    grid = np.geomspace(0.02, 1, 30)
    every = [
        macro_f1(np.argmax(values / np.array([1, a, b]), axis=1), y, weights, 3)
        for a, b in itertools.product(grid, grid)
    ]
    assert got >= max(every) - 0.01  # one class at a time: a local optimum, near the grid's


def test_macro_f1_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    y, decided, weights = rng.integers(0, 4, 50), rng.integers(0, 4, 50), rng.random(50)
    assert macro_f1(decided, y, weights, 4) == pytest.approx(
        f1_score(y, decided, average="macro", sample_weight=weights)
    )


@pytest.mark.parametrize("per_class", [True, False])
def test_multilabel_thresholds_are_the_best_of_all(per_class: bool) -> None:
    rng = np.random.default_rng(5)
    targets = (rng.random((40, 3)) < [0.1, 0.3, 0.6]).astype(np.int8)
    values = np.round(np.clip(targets * 0.3 + rng.random((40, 3)) * 0.6, 0, 1), 2)
    cuts = label_thresholds(values, targets, np.ones(40), per_class)
    grid = np.arange(0, 1.01, 0.01) - 0.005
    every = np.array([[f1_score(targets[:, j], values[:, j] >= t, zero_division=0) for j in range(3)] for t in grid])
    got = f1_score(targets, values >= cuts, average="macro")
    assert got == pytest.approx(every.max(axis=0).mean() if per_class else every.mean(axis=1).max())
    assert per_class or len(set(cuts)) == 1


def test_binary_decisions_follow_the_threshold_and_values_stay() -> None:
    p = np.array([0.05, 0.1, 0.2, 0.3, 0.35])
    values = np.column_stack([1 - p, p])
    adjustment = build("threshold", BINARY, 2)
    adjustment.fit(oof(values, np.array([0, 0, 1, 1, 1])))
    assert adjustment.apply(values, None) is values
    np.testing.assert_array_equal(adjustment.decide(values)[:, 1], [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(adjustment.decide(values).sum(axis=1), 1)


def test_weights_move_the_threshold() -> None:
    p = np.array([0.2, 0.4, 0.6, 0.8])
    values, y = np.column_stack([1 - p, p]), np.array([1, 0, 0, 1])
    cuts = []
    for weights in (np.array([10.0, 1, 1, 1]), np.array([0.1, 1, 1, 1])):
        adjustment = build("threshold", BINARY, 2, metric="f1")
        adjustment.fit(oof(values, y, weights))
        cuts.append(adjustment.state()["thresholds"][0])
    assert cuts[0] < 0.2 + 1e-9
    assert cuts[1] == pytest.approx(0.7)


def test_f1_of_one_class_needs_a_binary_task() -> None:
    with pytest.raises(ConfigError, match="needs a binary task"):
        build("threshold", MULTI, 3, metric="f1")


@pytest.mark.parametrize("name", ["temperature", "isotonic", "threshold"])
@pytest.mark.parametrize(("task", "k"), [(BINARY, 2), (MULTI, 3), (LABELS, 3)])
def test_state_survives_json(name: str, task: TaskType, k: int) -> None:
    adjustment, values = trained(name, task, k)
    again = build(name, task, k)
    again.restore(json.loads(json.dumps(adjustment.state())))
    np.testing.assert_array_equal(again.apply(values, None), adjustment.apply(values, None))
    one, other = again.decide(values), adjustment.decide(values)
    assert (one is None and other is None) or np.array_equal(one, other)
    assert again.notes == adjustment.notes
    assert again.notes


def test_listing_imports_nothing_heavy() -> None:
    code = "import sys, harness.builtin.adjusters as a; list(a.harness_adjusters()); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
