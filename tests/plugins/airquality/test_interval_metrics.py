"""Scores of intervals against sums done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from harness_airquality.interval_metrics import metrics

from harness.testing import check_metric, failures

BY_NAME = {metric.name: metric for metric in metrics()}
TARGETS = np.array([10.0, 5.0, 30.0, 20.0])
VALUES = np.array([[10.0, 8, 14], [9, 6, 12], [20, 15, 25], [20, 20, 24]])
"""Inside; 1 below an interval of 6; 5 above an interval of 10; on an end of one of 4."""


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("airquality.coverage", [1, 0, 0, 1]),
        ("airquality.interval_width", [6, 6, 10, 4]),
        ("airquality.interval_score_90", [6, 6 + 20 * 1, 10 + 20 * 5, 4]),
    ],
)
def test_scores_are_those_worked_out_by_hand(name, rows):
    metric, weights = BY_NAME[name], np.array([1.0, 2.0, 1.0, 4.0])
    np.testing.assert_allclose(metric.per_row(TARGETS, VALUES), rows)
    assert metric.score(TARGETS, VALUES, None, None) == pytest.approx(np.mean(rows))
    assert metric.score(TARGETS, VALUES, weights, None) == pytest.approx(np.average(rows, weights=weights))


@pytest.mark.parametrize("metric", BY_NAME.values(), ids=list(BY_NAME))
def test_without_intervals_or_rows_there_is_no_score(metric):
    assert np.isnan(metric.score(TARGETS, VALUES[:, :1], None, None))
    assert np.isnan(metric.score(TARGETS[:0], VALUES[:0], None, None))


def test_the_interval_score_is_least_at_the_quantiles_of_the_nominal_coverage():
    targets = np.random.default_rng(0).exponential(10, 20_000)

    def score(low: float, high: float) -> float:
        ends = np.quantile(targets, [low, high])
        values = np.column_stack([np.full(len(targets), 10.0), *(np.full(len(targets), end) for end in ends)])
        return BY_NAME["airquality.interval_score_90"].score(targets, values, None, None)

    best = score(0.05, 0.95)
    assert all(best < score(*other) for other in ((0.02, 0.98), (0.1, 0.9), (0.01, 0.91), (0.09, 0.99)))


@pytest.mark.parametrize("metric", BY_NAME.values(), ids=list(BY_NAME))
def test_every_metric_keeps_the_contract(metric):
    assert failures(check_metric(metric)) == []
    assert metric.direction == ("max" if metric.name == "airquality.coverage" else "min")
