"""Logistic regression with an L2 penalty on imputed, standardised, one-hot encoded columns.

https://scikit-learn.org/stable/modules/linear_model.html#logistic-regression
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from harness.data import DatasetInfo
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe, TaskLog
from harness.params import param
from harness.tabular.encoders import one_hot
from harness.tabular.model import ClassWeights, Rows, TableModel
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns


@dataclass(frozen=True)
class LogisticRegressionParams:
    """Parameters of `imbalance.logistic_regression`."""

    C: float = param(1.0, "inverse strength of the L2 penalty", low=1e-6, high=1e6, log=True, tune=(1e-4, 100.0))
    max_iter: int = param(1000, "most iterations of the solver", low=1, high=100_000, tune=False)
    class_weights: ClassWeights = param("none", "weights by class: none, or balanced (n / (k * n_c))")
    scale: bool = param(True, "numbers to mean 0 and standard deviation 1; false: as the features made them")


class _QuietEngine(SklearnEngine):
    """Tells by a note, not by a warning, that the solver stopped early."""

    def fit(self, train: Rows, inner: Rows | None, columns: Columns, log: TaskLog) -> None:
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(train, inner, columns, log)


def build(params: LogisticRegressionParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model."""

    def make(columns: Columns) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import Pipeline

        model = LogisticRegression(C=params.C, max_iter=params.max_iter)
        return Pipeline([("encode", one_hot(columns, scale=params.scale)), ("model", model)])

    def after(model: Any, log: TaskLog) -> None:
        if model.n_iter_.max() >= params.max_iter:
            log.note(f"the solver stopped after {params.max_iter} iterations; raise max_iter or lower C")

    return TableModel(_QuietEngine(make, context.threads, after=after), info, params.class_weights)


RECIPE = ModelRecipe(
    "imbalance.logistic_regression",
    "logistic regression on imputed, scaled, one-hot columns (scikit-learn)",
    CLASSIFICATION,
    LogisticRegressionParams,
    build,
)
