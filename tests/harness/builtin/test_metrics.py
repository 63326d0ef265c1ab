"""Built-in metrics against hand-worked cases, against scikit-learn, and by property."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.builtin.metrics import harness_metrics
from harness.data import TaskType
from harness.errors import DataError

METRICS = {metric.name: metric for metric in harness_metrics()}
CLASSES = 4


def score(name, targets, values, weights=None):
    weights = None if weights is None else np.asarray(weights, dtype=float)
    return METRICS[name].score(np.asarray(targets), np.asarray(values, dtype=float), weights, None)


def positive(probabilities):
    second = np.asarray(probabilities, dtype=float)
    return np.column_stack([1 - second, second])


def one_hot(labels, classes):
    return np.eye(classes + 1)[labels][:, :classes]


def multiclass(seed, absent=(), n=60):
    rng = np.random.default_rng(seed)
    present = [c for c in range(CLASSES) if c not in absent]
    targets = rng.choice(present, n)
    targets[: len(present)] = present
    return targets, rng.dirichlet(np.ones(CLASSES), n), rng.uniform(0.2, 3, n)


def multilabel(seed, n=60):
    rng = np.random.default_rng(seed)
    return (rng.random((n, CLASSES)) < 0.3).astype(np.int8), rng.random((n, CLASSES)), rng.uniform(0.2, 3, n)


HAND_WORKED = [
    ("log_loss", [1, 0], positive([0.8, 0.4]), None, -(math.log(0.8) + math.log(0.6)) / 2),
    ("log_loss", [1, 0], positive([0.8, 0.4]), [3, 1], -(3 * math.log(0.8) + math.log(0.6)) / 4),
    ("log_loss", [2], [[0.5, 0.25, 0.25]], None, math.log(4)),
    ("log_loss", [[1, 0]], [[0.5, 0.25]], None, -(math.log(0.5) + math.log(0.75)) / 2),
    ("brier", [1, 0], positive([0.8, 0.4]), None, (0.2**2 + 0.4**2) / 2),
    ("brier", [2, 0], [[0.5, 0.25, 0.25], [1, 0, 0]], None, (0.5**2 + 0.25**2 + 0.75**2) / 2),
    ("brier", [[1, 0]], [[0.5, 0.2]], None, (0.5**2 + 0.2**2) / 2),
    # both rows in one bin: accuracy 1/2, confidence 0.91
    ("ece", [1, 1], positive([0.92, 0.10]), None, 0.41),
    # two bins: |1 - 0.9| and |0 - 0.6|, weights 3 and 1
    ("ece", [1, 0], positive([0.9, 0.6]), [3, 1], (3 * 0.1 + 0.6) / 4),
    # 0.6 is the upper edge of its bin, so it shares it with 0.55: |(1 - 0.6) + (0 - 0.55)| / 2
    ("ece", [1, 0], positive([0.6, 0.55]), None, 0.15 / 2),
    ("accuracy", [0, 1, 1], [[1, 0], [1, 0], [0, 0]], None, 1 / 3),
    ("accuracy", [[1, 0], [0, 0]], [[1, 1], [0, 0]], None, 1 / 2),
    ("balanced_accuracy", [0, 0, 0, 1], [[1, 0], [1, 0], [0, 1], [0, 1]], None, (2 / 3 + 1) / 2),
    ("balanced_accuracy", [0, 0, 2], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], None, (1 / 2 + 1) / 2),
    # class 0: tp 1, fn 1; class 1: tp 1, fp 1; class 2 occurs nowhere and is left out
    ("macro_f1", [0, 0, 1], [[1, 0, 0], [0, 1, 0], [0, 1, 0]], None, (2 / 3 + 2 / 3) / 2),
    ("weighted_f1", [0, 0, 0, 1], [[1, 0], [1, 0], [0, 0], [1, 0]], None, 3 / 4 * (4 / 6)),
    # tp 2, fp 0, fn 1: the row without a decision is missed, not wrongly found
    ("micro_f1", [0, 0, 1], [[1, 0], [0, 0], [0, 1]], None, 4 / 5),
    # precision 1/2, recall 1
    ("f1", [1, 0], [[0, 1], [0, 1]], None, 2 / 3),
    ("f2", [1, 0], [[0, 1], [0, 1]], None, 5 * 0.5 / (4 * 0.5 + 1)),
    ("f0_5", [1, 0], [[0, 1], [0, 1]], None, 1.25 * 0.5 / (0.25 * 0.5 + 1)),
    # pairs (negative, positive) in order: 3 of 4
    ("roc_auc", [0, 0, 1, 1], positive([0.1, 0.4, 0.35, 0.8]), None, 3 / 4),
    # class 0 against the rest 3/4, class 1 1; class 2 is absent
    ("roc_auc", [0, 0, 1, 1], [[0.9, 0, 0.1], [0.5, 0.2, 0.3], [0.6, 0.4, 0], [0.1, 0.8, 0.1]], None, 7 / 8),
    ("average_precision", [0, 0, 1, 1], positive([0.1, 0.4, 0.35, 0.8]), None, 0.5 * 1 + 0.5 * 2 / 3),
    # tp 1, tn 1, fp 1, fn 0
    ("mcc", [1, 0, 0], [[0, 1], [1, 0], [0, 1]], None, 1 / math.sqrt(2 * 1 * 2 * 1)),
    # "no class" is a third label: 2 of 3 right, targets (1, 2, 0), decided (1, 1, 1)
    ("mcc", [0, 1, 1], [[1, 0], [0, 0], [0, 1]], None, (2 * 3 - 3) / math.sqrt((9 - 3) * (9 - 5))),
    ("mae", [1.0, 2.0], [[2.0], [4.0]], [1, 3], (1 + 3 * 2) / 4),
    ("rmse", [1.0, 2.0], [[2.0], [4.0]], None, math.sqrt(5 / 2)),
    ("r2", [1.0, 2.0, 3.0], [[1.0], [2.0], [2.0]], None, 1 - 1 / 2),
]


@pytest.mark.parametrize(("name", "targets", "values", "weights", "expected"), HAND_WORKED)
def test_hand_worked(name, targets, values, weights, expected):
    assert score(name, targets, values, weights) == pytest.approx(expected, abs=1e-12)


def test_every_metric_has_a_hand_worked_case():
    assert {case[0] for case in HAND_WORKED} == set(METRICS)


@pytest.mark.parametrize("absent", [(), (0,), (1, 3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_multiclass_as_scikit_learn(absent, weighted):
    targets, values, weights = multiclass(3, absent)
    weights = weights if weighted else None
    labels = values.argmax(axis=1)
    decisions = one_hot(labels, CLASSES)
    common = {"sample_weight": weights}
    expected = {
        "log_loss": sklearn.metrics.log_loss(targets, values, labels=range(CLASSES), **common),
        "accuracy": sklearn.metrics.accuracy_score(targets, labels, **common),
        "macro_f1": sklearn.metrics.f1_score(targets, labels, average="macro", **common),
        "micro_f1": sklearn.metrics.f1_score(targets, labels, average="micro", **common),
        "weighted_f1": sklearn.metrics.f1_score(targets, labels, average="weighted", **common),
        "mcc": sklearn.metrics.matthews_corrcoef(targets, labels, **common),
        "brier": np.average(((values - one_hot(targets, CLASSES)) ** 2).sum(axis=1), weights=weights),
        "roc_auc": np.mean(
            [sklearn.metrics.roc_auc_score(targets == c, values[:, c], **common) for c in np.unique(targets)]
        ),
        "average_precision": np.mean(
            [sklearn.metrics.average_precision_score(targets == c, values[:, c], **common) for c in np.unique(targets)]
        ),
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
        expected["balanced_accuracy"] = sklearn.metrics.balanced_accuracy_score(targets, labels, **common)
    for name, wanted in expected.items():
        given_values = decisions if METRICS[name].needs == "decisions" else values
        assert score(name, targets, given_values, weights) == pytest.approx(wanted, abs=1e-12), name


@pytest.mark.parametrize("weighted", [False, True])
def test_binary_as_scikit_learn(weighted):
    rng = np.random.default_rng(8)
    targets, second, weights = (rng.random(80) < 0.3).astype(int), rng.random(80), rng.uniform(0.2, 3, 80)
    common = {"sample_weight": weights if weighted else None}
    labels = (second >= 0.5).astype(int)
    expected = {
        "log_loss": sklearn.metrics.log_loss(targets, second, **common),
        "brier": sklearn.metrics.brier_score_loss(targets, second, **common),
        "roc_auc": sklearn.metrics.roc_auc_score(targets, second, **common),
        "average_precision": sklearn.metrics.average_precision_score(targets, second, **common),
        "f1": sklearn.metrics.f1_score(targets, labels, **common),
        "f2": sklearn.metrics.fbeta_score(targets, labels, beta=2, **common),
        "f0_5": sklearn.metrics.fbeta_score(targets, labels, beta=0.5, **common),
    }
    for name, wanted in expected.items():
        values = one_hot(labels, 2) if METRICS[name].needs == "decisions" else positive(second)
        assert score(name, targets, values, common["sample_weight"]) == pytest.approx(wanted, abs=1e-12), name


@pytest.mark.parametrize("weighted", [False, True])
def test_multilabel_as_scikit_learn(weighted):
    targets, values, weights = multilabel(5)
    common = {"sample_weight": weights if weighted else None}
    decisions = (values >= 0.5).astype(float)
    columns = range(CLASSES)
    expected = {
        "log_loss": np.mean(
            [sklearn.metrics.log_loss(targets[:, c], values[:, c], labels=[0, 1], **common) for c in columns]
        ),
        "brier": np.mean([sklearn.metrics.brier_score_loss(targets[:, c], values[:, c], **common) for c in columns]),
        "roc_auc": sklearn.metrics.roc_auc_score(targets, values, average="macro", **common),
        "average_precision": sklearn.metrics.average_precision_score(targets, values, average="macro", **common),
        "accuracy": sklearn.metrics.accuracy_score(targets, decisions, **common),
        "macro_f1": sklearn.metrics.f1_score(targets, decisions, average="macro", **common),
        "micro_f1": sklearn.metrics.f1_score(targets, decisions, average="micro", **common),
        "weighted_f1": sklearn.metrics.f1_score(targets, decisions, average="weighted", **common),
    }
    assert set(expected) == {name for name, metric in METRICS.items() if TaskType.MULTILABEL in metric.tasks}
    for name, wanted in expected.items():
        given_values = decisions if METRICS[name].needs == "decisions" else values
        assert score(name, targets, given_values, common["sample_weight"]) == pytest.approx(wanted, abs=1e-12), name


@pytest.mark.parametrize("weighted", [False, True])
def test_regression_as_scikit_learn(weighted):
    rng = np.random.default_rng(2)
    targets, points, weights = rng.normal(size=50), rng.normal(size=50), rng.uniform(0.2, 3, 50)
    common = {"sample_weight": weights if weighted else None}
    # an adjuster may have added an interval behind the point
    values = np.column_stack([points, points - 1, points + 1])
    assert score("mae", targets, values, common["sample_weight"]) == pytest.approx(
        sklearn.metrics.mean_absolute_error(targets, points, **common)
    )
    assert score("rmse", targets, values, common["sample_weight"]) == pytest.approx(
        sklearn.metrics.root_mean_squared_error(targets, points, **common)
    )
    assert score("r2", targets, values, common["sample_weight"]) == pytest.approx(
        sklearn.metrics.r2_score(targets, points, **common)
    )


def test_calibrated_predictions_have_an_ece_near_zero():
    rng = np.random.default_rng(0)
    second = rng.random(200_000)
    targets = (rng.random(200_000) < second).astype(int)
    assert score("ece", targets, positive(second)) < 0.01
    assert score("ece", targets, positive(np.sqrt(second))) > 0.05


@pytest.mark.parametrize("name", ["log_loss", "brier", "accuracy", "mae"])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_rows_average_to_the_score(name, seed):
    rng = np.random.default_rng(seed)
    targets, values, weights = multiclass(seed)
    if name == "mae":
        targets, values = rng.normal(size=60), rng.normal(size=(60, 1))
    if name == "accuracy":
        values = one_hot(values.argmax(axis=1), CLASSES)
    rows = METRICS[name].per_row(targets, values)
    assert rows.shape == (60,)
    assert score(name, targets, values, weights) == pytest.approx(np.average(rows, weights=weights))


@pytest.mark.parametrize("name", sorted(METRICS))
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_perfect_predictions_score_better(name, seed):
    metric = METRICS[name]
    rng = np.random.default_rng(seed)
    if TaskType.REGRESSION in metric.tasks:
        targets = rng.normal(size=60)
        perfect, worse = targets[:, None], targets[:, None] + rng.normal(size=(60, 1))
    else:
        classes = 2 if metric.tasks == {TaskType.BINARY} else CLASSES
        targets, values, _ = multiclass(seed)
        targets = targets % classes
        perfect = one_hot(targets, classes)
        worse = values if classes == CLASSES else positive(rng.random(60))
        if metric.needs == "decisions":
            worse = one_hot(worse.argmax(axis=1), classes)
    assert metric.better(score(name, targets, perfect), score(name, targets, worse))
    assert not metric.better(score(name, targets, worse), score(name, targets, perfect))


@pytest.mark.parametrize(
    ("name", "targets", "values"),
    [
        ("roc_auc", [1, 1], positive([0.2, 0.3])),
        ("roc_auc", [[0, 1], [0, 1]], [[0.1, 0.2], [0.3, 0.4]]),
        ("average_precision", [0, 0], positive([0.2, 0.3])),
        ("f1", [0, 0], [[1, 0], [1, 0]]),
        ("f2", [0, 0], [[0, 0], [0, 0]]),
        ("macro_f1", [[0, 0]], [[0, 0]]),
        ("micro_f1", [[0, 0]], [[0, 0]]),
        ("weighted_f1", [[0, 0]], [[0, 0]]),
        ("r2", [2.0, 2.0], [[1.0], [2.0]]),
        ("r2", [2.0], [[1.0]]),
    ],
)
def test_undefined_is_nan(name, targets, values):
    assert math.isnan(score(name, targets, values))


@pytest.mark.parametrize("name", sorted(METRICS))
def test_no_rows_or_no_weight_is_nan(name):
    regression = TaskType.REGRESSION in METRICS[name].tasks
    targets = np.array([1.0, 2.0]) if regression else np.array([0, 1])
    values = np.array([[1.0], [2.0]]) if regression else np.eye(2)
    assert math.isnan(score(name, targets[:0], values[:0]))
    assert math.isnan(score(name, targets, values, [0.0, 0.0]))


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_row_without_weight_counts_as_absent(name):
    rng = np.random.default_rng(4)
    if TaskType.REGRESSION in METRICS[name].tasks:
        targets, values = rng.normal(size=9), rng.normal(size=(9, 1))
    else:
        targets, values = np.array([0, 1] * 4 + [0]), positive(rng.random(9))
        if METRICS[name].needs == "decisions":
            values = one_hot(values.argmax(axis=1), 2)
    weights = np.array([1.0, 2, 1, 2, 1, 2, 1, 2, 0])
    assert score(name, targets, values, weights) == pytest.approx(score(name, targets[:8], values[:8], weights[:8]))


def test_roc_auc_leaves_out_a_class_whose_rows_weigh_nothing():
    targets, values, weights = multiclass(1)
    weights[targets == 2] = 0
    kept = targets != 2
    wanted = score("roc_auc", targets[kept], values[kept], weights[kept])
    assert score("roc_auc", targets, values, weights) == pytest.approx(wanted)


def test_one_label_counts_as_scikit_learn_counts_it_alone():
    targets, decisions = np.array([1, 0, 1, 1]), np.array([1, 1, 0, 1])
    wanted = sklearn.metrics.f1_score(targets, decisions)
    for name in ("macro_f1", "micro_f1", "weighted_f1"):
        assert score(name, targets[:, None], decisions[:, None]) == pytest.approx(wanted), name


def test_log_loss_of_impossible_certainty_is_finite():
    assert score("log_loss", [1], [[1.0, 0.0]]) == pytest.approx(-math.log(np.finfo(float).eps))
    assert score("log_loss", [1], [[0.0, 1.0]]) == pytest.approx(0, abs=1e-15)


def test_multilabel_rows_need_not_sum_to_one():
    assert score("log_loss", [[1, 1, 1]], [[0.9, 0.9, 0.9]]) == pytest.approx(-math.log(0.9))


@pytest.mark.parametrize("name", ["log_loss", "brier", "ece", "roc_auc", "average_precision"])
@pytest.mark.parametrize(
    ("row", "told"),
    [
        ([0.9, 0.9], "row 1 of the predicted probabilities sums to 1.8, expected 1"),
        ([-0.5, 1.5], r"row 1 of the predictions is \[-0.5, 1.5\]: expected probabilities in \[0, 1\]"),
        ([math.nan, 0.5], "row 1 of the predictions"),
    ],
)
def test_what_is_no_probability_is_refused(name, row, told):
    with pytest.raises(DataError, match=told):
        score(name, [0, 1], [[0.5, 0.5], row])


def test_metrics_can_be_sent_to_a_worker():
    targets, values, _ = multiclass(1)
    again = pickle.loads(pickle.dumps(METRICS["log_loss"]))
    assert again.score(targets, values, None, None) == score("log_loss", targets, values)


def test_listing_offers_loads_nothing_heavy():
    code = (
        "import sys; from harness.builtin import metrics, splits, baselines;"
        "list(metrics.harness_metrics()); list(splits.harness_splitters()); list(baselines.harness_models());"
        "print([name for name in ('numpy', 'pandas', 'sklearn', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
