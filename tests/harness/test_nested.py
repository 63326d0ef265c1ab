"""Nested blends: their score holds on rows that nobody has seen; that of the rows they were learned on does not."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.builtin.greedy import select
from harness.data import TaskType
from harness.nested import Known, chosen, learns, nested, weigh

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "blends.py"


@pytest.fixture(scope="module")
def boards():
    spec = importlib.util.spec_from_file_location("benchmark_blends", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def mean_and_error(gaps):
    return gaps.mean(), gaps.std(ddof=1) / np.sqrt(len(gaps))


def test_a_nested_score_holds_on_held_out_rows_and_the_naive_one_is_too_good(boards):
    metric = boards.metric_of("log_loss")
    found = boards.compared(metric, "log_linear", 20)
    error = np.mean([one.error for one in found])
    nested_gap, _ = mean_and_error(boards.optimism(found, metric, "nested"))
    naive_gap, naive_error = mean_and_error(boards.optimism(found, metric, "naive"))
    assert abs(nested_gap) < error
    assert naive_gap > nested_gap + 2 * naive_error


@pytest.mark.slow
@pytest.mark.parametrize("method", ["greedy", "best"])
def test_so_do_those_of_ensemble_selection_and_of_a_chosen_method(method, boards):
    metric = boards.metric_of("log_loss")
    found = boards.compared(metric, method, 12, members=6)
    nested_gaps, naive_gaps = (boards.optimism(found, metric, which) for which in ("nested", "naive"))
    assert abs(nested_gaps.mean()) < np.mean([one.error for one in found])
    assert (naive_gaps - nested_gaps).mean() > 0


def test_a_folds_own_targets_change_neither_its_weights_nor_its_method(boards):
    known, _ = boards.board(1, boards.metric_of("log_loss"), members=3)
    known = known.of(np.arange(len(known.targets)) < 60)
    flipped = replace(known, targets=np.where(known.folds == 2, 1 - known.targets, known.targets))
    for method in ("best", "greedy", "log_linear"):
        first, second = nested(known, method), nested(flipped, method)
        np.testing.assert_array_equal(first.oof[known.folds == 2], second.oof[known.folds == 2])
        assert first.methods[2] == second.methods[2]
        assert not np.array_equal(first.oof, second.oof)


def test_the_best_method_is_the_one_with_the_best_nested_score(boards):
    known, _ = boards.board(3, boards.metric_of("log_loss"), members=3)
    learned = nested(known, "best")
    assert learned.method == chosen(known) != "best"
    others = {method: known.score(nested(known, method).oof) for method in ("mean", "linear", "log_linear", "greedy")}
    assert known.score(nested(known, learned.method).oof) <= min(others.values())


def test_rows_are_weighted_as_the_score_is(boards):
    known, _ = boards.board(0, boards.metric_of("log_loss"), members=2)
    sure, unsure = np.array([0.05, 0.95]), np.array([0.95, 0.05])
    values = np.stack([np.tile(sure, (300, 1)), np.tile(unsure, (300, 1))])
    for positive, better in ((0.9, 0), (0.1, 1)):
        rows = np.where(
            known.targets == 1, positive / known.targets.mean(), (1 - positive) / (1 - known.targets.mean())
        )
        weights = weigh(replace(known, values=values, weights=rows), "greedy")
        assert weights[better] > 0.7


def test_selection_finds_what_an_exhaustive_search_does():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 1))
    values = truth + rng.normal(size=(3, 40, 1)) * np.array([0.5, 0.7, 3.0])[:, None, None]

    def worth(mixed):
        return -float(((mixed - truth) ** 2).mean())

    weights = select(values, worth)
    grid = [np.array([a, b, 20 - a - b]) / 20 for a in range(21) for b in range(21 - a)]
    best = max(worth(np.tensordot(one, values, 1)) for one in grid)
    assert worth(np.tensordot(weights, values, 1)) > best - 0.005
    assert weights.sum() == pytest.approx(1)


def test_of_many_members_halves_are_climbed_and_the_worthless_are_left_out():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(200, 1))
    spread = np.array([0.5] * 6 + [20.0] * 6)[:, None, None]
    values = truth + rng.normal(size=(12, 200, 1)) * spread

    def worth(mixed):
        return -float(((mixed - truth) ** 2).mean())

    weights = select(values, worth)
    assert (weights[:6] > 0.05).sum() >= 4
    assert weights[6:].sum() < 0.02
    np.testing.assert_array_equal(weights, select(values, worth))


def test_a_metric_of_higher_is_better_is_climbed_upwards_and_one_without_a_value_is_last(boards):
    known, _ = boards.board(5, boards.metric_of("roc_auc"), members=4)
    weights = weigh(known, "greedy")
    alone = [known.score(member) for member in known.values]
    assert known.score(np.tensordot(weights, known.values, 1)) >= max(alone)
    single = known.of(known.targets == 1)  # of one class ROC-AUC says nothing
    assert weigh(single, "greedy").sum() == pytest.approx(1)


def test_decisions_are_those_of_the_blended_probabilities(boards):
    metric = boards.metric_of("macro_f1")
    values = np.array([[[0.4, 0.6], [0.9, 0.1]], [[0.1, 0.9], [0.2, 0.8]]])
    folds = np.array([0, 1])
    known = Known(TaskType.BINARY, metric, values, np.array([1, 0]), None, folds)
    assert known.score(values[0]) == 1.0
    assert known.score(values[1]) < 1.0
    assert np.argmax(weigh(known, "greedy")) == 0


def test_only_methods_that_learn_say_so():
    assert [method for method in ("mean", "linear", "logit_mean", "greedy", "best", "median") if learns(method)] == [
        "linear",
        "greedy",
        "best",
    ]
