"""Built-in metrics.

Where a metric has `per_row`, its score is the weighted mean of that, by construction. A score that its rows do not
define (ROC-AUC of one class, R2 of a constant) is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

from harness.builtin._metrics import decisions, points, probabilities
from harness.builtin._metrics.shapes import Rows, mean
from harness.data import TaskType
from harness.hookspecs import hookimpl
from harness.offers import CLASSIFICATION, Metric, Score

LABELLED = CLASSIFICATION | {TaskType.MULTILABEL}
BINARY = frozenset({TaskType.BINARY})
REGRESSION = frozenset({TaskType.REGRESSION})


@hookimpl
def harness_metrics() -> Iterable[Metric]:
    yield from _of_probabilities()
    yield from _of_decisions()
    yield from _of_points()


def _of_probabilities() -> Iterator[Metric]:
    def metric(
        name: str, summary: str, direction: Literal["min", "max"], score: Score, per_row: Rows | None = None
    ) -> Metric:
        return Metric(name, summary, direction, "probabilities", LABELLED, score, per_row)

    loss, brier = probabilities.log_loss_rows, probabilities.brier_rows
    calibration = metric(
        "ece", f"calibration error of the top class, {probabilities.BINS} bins", "min", probabilities.ece
    )
    yield metric("log_loss", "cross-entropy in nats", "min", partial(mean, loss), loss)
    yield metric("brier", "squared error of probabilities", "min", partial(mean, brier), brier)
    yield replace(calibration, tasks=CLASSIFICATION)
    yield metric("roc_auc", "area under the ROC curve, macro", "max", probabilities.roc_auc)
    yield metric("average_precision", "average precision, macro", "max", probabilities.average_precision)


def _of_decisions() -> Iterator[Metric]:
    def metric(
        name: str, summary: str, tasks: frozenset[TaskType], score: Score, per_row: Rows | None = None
    ) -> Metric:
        return Metric(name, summary, "max", "decisions", tasks, score, per_row)

    right, f_score = decisions.accuracy_rows, decisions.f_score
    yield metric("accuracy", "rows decided exactly right", LABELLED, partial(mean, right), right)
    yield metric("balanced_accuracy", "recall, mean over classes present", CLASSIFICATION, decisions.balanced_accuracy)
    yield metric("macro_f1", "F1, mean over classes that occur", LABELLED, partial(f_score, 1.0, "macro"))
    yield metric("micro_f1", "F1, all classes counted together", LABELLED, partial(f_score, 1.0, "micro"))
    yield metric("weighted_f1", "F1, classes weighted by their rows", LABELLED, partial(f_score, 1.0, "weighted"))
    yield metric("f1", "F1 of the positive (second) class", BINARY, partial(f_score, 1.0, "positive"))
    yield metric("f2", "F-beta of the positive class, beta 2", BINARY, partial(f_score, 2.0, "positive"))
    yield metric("f0_5", "F-beta of the positive class, beta 0.5", BINARY, partial(f_score, 0.5, "positive"))
    yield metric("mcc", "Matthews correlation", CLASSIFICATION, decisions.mcc)


def _of_points() -> Iterator[Metric]:
    error = points.mae_rows
    yield Metric("mae", "mean absolute error", "min", "values", REGRESSION, partial(mean, error), error)
    yield Metric("rmse", "root mean squared error", "min", "values", REGRESSION, points.rmse)
    yield Metric("r2", "share of the variance explained", "max", "values", REGRESSION, points.r2)
