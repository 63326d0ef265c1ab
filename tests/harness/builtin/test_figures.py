"""Figures: their numbers against hand-worked cases and scikit-learn, their names, what their titles say."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, confusion_matrix, precision_score, recall_score

from harness.builtin import figures
from harness.builtin._figures import confusion, precision_recall, regression, reliability, shares
from harness.builtin._figures.curves import confusion as count_decisions
from harness.builtin._figures.curves import precision_recall as curve_of
from harness.builtin._figures.curves import reliability as bin_up
from harness.builtin._figures.curves import wilson
from harness.builtin._figures.sets import shown_sets
from harness.builtin._metrics.probabilities import ece
from harness.competition import Competition, DataSpec, Evaluate, SubmissionSchema, Use
from harness.data import Dataset, DatasetInfo, Examples, Predictions, TaskType
from harness.results import FoldResult, Run, RunResult, Scored, Status

PNG = b"\x89PNG\r\n\x1a\n"


def make_scored(task: TaskType, classes: tuple[str, ...], n: int, seed: int, weighted: bool = False) -> Scored:
    random = np.random.default_rng(seed)
    columns = classes or ("point",)
    decisions = None
    if task is TaskType.REGRESSION:
        targets: Any = random.gamma(3.0, 10.0, n)
        values = (0.7 * targets + 8 + random.normal(0, 6, n))[:, None]
    else:
        prior = 0.6 ** np.arange(len(classes))
        targets = random.choice(len(classes), n, p=prior / prior.sum())
        logits = random.normal(0, 1, (n, len(classes))) + 1.6 * np.eye(len(classes))[targets] + np.log(prior)
        values = np.exp(1.4 * logits)
        values /= values.sum(axis=1, keepdims=True)
        decisions = np.eye(len(classes))[values.argmax(axis=1)]
    ids = np.array([f"r{row}" for row in range(n)], dtype=object)
    weights = random.uniform(0.5, 2, n) if weighted else None
    return Scored(targets, Predictions(ids, values, columns), decisions, weights, np.arange(n) % 5)


def make_result(
    task: TaskType = TaskType.BINARY,
    classes: tuple[str, ...] = ("stays", "defaults"),
    *,
    n: int = 600,
    valid: bool = False,
    weighted: bool = False,
    rebalanced: bool = True,
) -> RunResult:
    before = {name: 1000.0 * 0.2**k for k, name in enumerate(classes)}
    after = dict.fromkeys(classes, 500.0) if rebalanced else before
    fold = FoldResult(0, 100, 20, {}, before, after, 1.0, 0, "cpu", 1)
    run = Run("demo", "smote", 0, "smote-s0-abc", Path(), {}, "smote (k=3)")
    return RunResult(
        run,
        Status.DONE,
        {},
        (fold, replace(fold, index=1)),
        make_scored(task, classes, n, 1, weighted),
        make_scored(task, classes, n // 3, 2) if valid else None,
        None,
    )


def make_competition(task: TaskType = TaskType.BINARY, on: str = "oof") -> Competition:
    return Competition(
        "demo",
        Path(),
        "Demo",
        task,
        ("log_loss",),
        DataSpec("demo.table"),
        Use("stratified"),
        (),
        evaluate=Evaluate(on),
        submission=SubmissionSchema("id", {"pm2_5": "point"}, "point") if task is TaskType.REGRESSION else None,
    )


def make_dataset(task: TaskType, classes: tuple[str, ...]) -> Dataset:
    info = DatasetInfo("demo", task, classes)
    return Dataset(info, Examples(np.array([], dtype=object), []))


def report(result: RunResult, task: TaskType = TaskType.BINARY, on: str = "oof") -> dict[str, Any]:
    classes = () if task is TaskType.REGRESSION else result.oof.predictions.columns
    artifacts = figures.harness_report(make_competition(task, on), make_dataset(task, classes), result)
    return {artifact.name: artifact for artifact in artifacts}


CLASSIFICATION = {"reliability.png", "precision_recall.png", "confusion.png", "class_shares.png"}
MANY = tuple(f"class_{k}" for k in range(26))


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c"), MANY[:20], MANY])
@pytest.mark.parametrize("extra", [{}, {"valid": True, "weighted": True, "rebalanced": False}])
def test_every_classification_run_gets_the_same_readable_files(
    classes: tuple[str, ...], extra: dict[str, bool], tmp_path: Path
) -> None:
    task = TaskType.BINARY if len(classes) == 2 else TaskType.MULTICLASS
    artifacts = report(make_result(task, classes, **extra), task)  # type: ignore[arg-type]
    assert set(artifacts) == CLASSIFICATION
    for name, artifact in artifacts.items():
        artifact.write(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(PNG)


def test_regression_has_its_own_figures(tmp_path: Path) -> None:
    artifacts = report(make_result(TaskType.REGRESSION, (), valid=True), TaskType.REGRESSION)
    assert set(artifacts) == {"predicted_actual.png", "residuals.png"}
    for name, artifact in artifacts.items():
        artifact.write(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(PNG)


def test_multilabel_is_left_to_plugins() -> None:
    assert report(make_result(TaskType.MULTICLASS, ("a", "b")), TaskType.MULTILABEL) == {}


def test_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, artifact in report(make_result(valid=True)).items():
        artifact.write(tmp_path / name)
        artifact.write(tmp_path / "again.png")
        assert (tmp_path / name).read_bytes() == (tmp_path / "again.png").read_bytes()


def test_ranked_set_comes_first() -> None:
    result = make_result(valid=True)
    assert [s.name for s in shown_sets(make_competition(on="oof"), result)] == ["out-of-fold", "validation"]
    assert [s.name for s in shown_sets(make_competition(on="valid"), result)] == ["validation", "out-of-fold"]


def test_hostile_names_are_not_read_as_formulas(tmp_path: Path) -> None:
    classes = (r"$\frac$", "a" * 300 + "_$")
    result = make_result(classes=classes)
    for name, artifact in report(result).items():
        artifact.write(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize("n", [1, 2, 7])
def test_a_handful_of_rows_still_draws(n: int, tmp_path: Path) -> None:
    for task, classes in ((TaskType.BINARY, ("no", "yes")), (TaskType.REGRESSION, ())):
        for name, artifact in report(make_result(task, classes, n=n), task).items():
            artifact.write(tmp_path / name)
            assert (tmp_path / name).read_bytes().startswith(PNG)


def test_no_rows_no_figures() -> None:
    assert report(make_result(n=0)) == {}


# numbers ----------------------------------------------------------------------------------------------------------


def test_reliability_by_hand() -> None:
    # bins (0, .5] and (.5, 1]; the last row weighs 2
    found = bin_up(np.array([0.1, 0.3, 0.6, 0.8]), np.array([0.0, 1.0, 1.0, 0.0]), np.array([1.0, 1, 1, 2]), bins=2)
    np.testing.assert_allclose(found.predicted, [0.2, (0.6 + 1.6) / 3])
    np.testing.assert_allclose(found.observed, [0.5, 1 / 3])
    np.testing.assert_allclose(found.rows, [0.4, 0.6])
    np.testing.assert_allclose(found.effective, [2, 9 / 5])
    assert found.gap == pytest.approx(0.4 * 0.3 + 0.6 * (2.2 / 3 - 1 / 3))
    assert found.mean_predicted == pytest.approx(2.6 / 5)
    assert found.mean_observed == pytest.approx(2 / 5)


@pytest.mark.parametrize("weighted", [False, True])
def test_gap_of_the_top_class_is_the_boards_ece(weighted: bool) -> None:
    scored = make_scored(TaskType.MULTICLASS, ("a", "b", "c"), 400, 3, weighted)
    values = scored.predictions.values
    weights = np.ones(400) if scored.weights is None else scored.weights
    found = bin_up(values.max(axis=1), (values.argmax(axis=1) == scored.targets).astype(float), weights)
    assert found.gap == pytest.approx(ece(scored.targets, values, scored.weights, None))


def test_wilson_interval_by_hand() -> None:
    # 8 of 10: (0.4902, 0.9433), as in textbooks
    low, high = wilson(np.array([0.8]), np.array([10.0]))
    assert (low[0], high[0]) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


@given(st.floats(0, 1), st.floats(1, 1e6))
def test_wilson_holds_its_share(share: float, rows: float) -> None:
    low, high = wilson(np.array([share]), np.array([rows]))
    assert 0 <= low[0] <= share + 1e-12
    assert share - 1e-12 <= high[0] <= 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 3000), st.booleans())
def test_average_precision_and_point_as_scikit_learn(seed: int, n: int, weighted: bool) -> None:
    random = np.random.default_rng(seed)
    truth = (random.random(n) < 0.3).astype(float)
    truth[0] = 1
    score = np.round(random.random(n) + 0.3 * truth, 2)
    weights = random.uniform(0.5, 2, n) if weighted else np.ones(n)
    decided = (score > 0.6).astype(float)
    found = curve_of(truth, score, decided, weights)
    assert found is not None
    assert found.average == pytest.approx(average_precision_score(truth, score, sample_weight=weights))
    assert found.prevalence == pytest.approx(np.average(truth, weights=weights))
    assert len(found.recall) <= 600
    assert (found.recall[0], found.recall[-1]) == (1.0, 0.0)
    if decided.any():
        assert found.point == pytest.approx(
            (
                recall_score(truth, decided, sample_weight=weights),
                precision_score(truth, decided, sample_weight=weights),
            )
        )


def test_a_class_that_never_occurs_has_no_curve() -> None:
    assert curve_of(np.zeros(4), np.linspace(0, 1, 4), None, np.ones(4)) is None


def test_confusion_as_scikit_learn() -> None:
    scored = make_scored(TaskType.MULTICLASS, ("a", "b", "c", "d"), 500, 4, weighted=True)
    assert scored.decisions is not None
    assert scored.weights is not None
    decided = scored.decisions.argmax(axis=1)
    found = count_decisions(scored.targets, scored.decisions, scored.weights, ("a", "b", "c", "d"))
    np.testing.assert_array_equal(found.counts, confusion_matrix(scored.targets, decided))
    weighted = confusion_matrix(scored.targets, decided, sample_weight=scored.weights, normalize="true")
    np.testing.assert_allclose(found.shares, weighted)
    np.testing.assert_allclose(
        found.recall, recall_score(scored.targets, decided, sample_weight=scored.weights, average=None)
    )
    np.testing.assert_allclose(
        found.precision, precision_score(scored.targets, decided, sample_weight=scored.weights, average=None)
    )


def test_no_decision_is_a_column_of_its_own() -> None:
    decisions = np.array([[1.0, 0], [0, 0], [0, 1], [0, 0]])
    found = count_decisions(np.array([0, 0, 1, 1]), decisions, np.ones(4), ("a", "b"))
    assert found.decided == ("a", "b", "none")
    np.testing.assert_array_equal(found.counts, [[1, 0, 1], [0, 1, 1]])


def test_rare_classes_are_joined_and_no_row_is_lost() -> None:
    codes = np.repeat(np.arange(5), [1, 50, 2, 40, 3])
    decisions = np.eye(5)[codes]
    decisions[:2] = 0
    found = count_decisions(codes, decisions, np.ones(len(codes)), tuple("abcde"), limit=3)
    assert found.names == ("b", "d", "other")
    np.testing.assert_array_equal(found.counts, [[49, 0, 0, 1], [0, 40, 0, 0], [0, 0, 5, 1]])


# findings ---------------------------------------------------------------------------------------------------------


def test_titles_tell_what_is_wrong_with_probabilities() -> None:
    random = np.random.default_rng(0)
    truth = random.random(20_000)
    hit = (random.random(20_000) < truth).astype(float)
    weights = np.ones(20_000)
    good, high = bin_up(truth, hit, weights), bin_up(truth**0.5, hit, weights)
    assert "taken at their word" in reliability._finding(good, ("no", "yes"))
    assert reliability._finding(high, ("no", "yes")).startswith("yes is predicted too often: 67% on average, 50%")
    assert reliability._finding(high, ("a", "b", "c")).startswith("Overconfident: says 67%")


def test_classes_without_weight_are_left_out_of_the_confusion() -> None:
    codes = np.array([0, 0, 1, 2, 2, 3])
    weights = np.array([0.0, 0, 0, 2, 2, 1])
    found = count_decisions(codes, np.eye(4)[[0, 2, 3, 2, 1, 1]], weights, tuple("abcd"))
    assert (found.names, found.decided) == (("c", "d"), ("b", "c", "d"))
    np.testing.assert_array_equal(found.counts, [[1, 1, 0], [1, 0, 0]])
    np.testing.assert_allclose(found.shares, [[0.5, 0.5, 0], [1, 0, 0]])
    assert (found.recall.tolist(), found.own.tolist()) == ([0.5, 0.0], [1, 2])
    wrong = count_decisions(codes[3:], np.eye(4)[[2, 2, 1]], weights[3:], tuple("abcd"))
    assert confusion._finding(wrong) == "Weakest class: finds 0% of d, takes 100% for b"


def test_titles_of_confusion_name_the_weakest_class() -> None:
    decisions = np.eye(3)[[0, 0, 1, 1, 1, 2, 1, 1, 1, 2]]
    found = count_decisions(np.array([0, 0, 1, 1, 1, 2, 2, 2, 2, 2]), decisions, np.ones(10), ("a", "b", "c"))
    assert confusion._finding(found) == "Weakest class: finds 40% of c, takes 60% for b"
    right = count_decisions(np.array([0, 1, 2]), np.eye(3), np.ones(3), ("a", "b", "c"))
    assert confusion._finding(right) == "Every decision is right"


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ([900.0, 100], "No row was added or left out: yes has 10%"),
        ([300.0, 100], "Rebalancing moves yes from 10% to 25%"),
        ([450.0, 50], "Shares unchanged, weight 0.50 times as large"),
    ],
)
def test_titles_of_shares(after: list[float], words: str) -> None:
    before = np.array([900.0, 100])
    changed = not np.allclose(before, after)
    assert shares._finding(before, np.array(after), ("no", "yes"), changed) == words


def test_title_of_the_hardest_class_compares_with_a_blind_guess() -> None:
    truth = np.array([1.0, 0, 0, 1])
    curve = curve_of(truth, np.array([0.9, 0.1, 0.2, 0.8]), None, np.ones(4))
    assert curve is not None
    words = precision_recall._finding({"yes": curve}, ["yes"])
    assert words == "Hardest class: yes, average precision 1.00, 2.0 times a blind guess"


def test_titles_of_a_regression() -> None:
    actual, weights = np.array([0.0, 10, 20, 30]), np.ones(4)
    assert "97% of the variance" in regression._fit_finding(actual, actual + np.array([2.0, -2, 2, -2]), weights)
    assert regression._fit_finding(actual, np.full(4, 15.0), weights).startswith("No better than the mean")
    assert regression._fit_finding(np.ones(4), np.ones(4), weights) == "All actual values are equal; RMSE 0"
    assert regression._residual_finding(np.full(4, 3.0), weights, "ug").startswith("Predicts 3 ug too low on average")
    assert regression._residual_finding(np.array([-1.0, 1, -1, 1]), weights, "ug").startswith("Centred")


def test_drawing_warns_of_nothing_with_letters_the_font_lacks(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, artifact in report(make_result(classes=("否", "是"))).items():
            artifact.write(tmp_path / name)
