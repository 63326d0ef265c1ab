"""Histogram gradient boosting of scikit-learn.

https://scikit-learn.org/stable/modules/ensemble.html#histogram-based-gradient-boosting
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.data import DatasetInfo, TaskType
from harness.offers import BuildContext, Model, ModelRecipe
from harness.params import param
from harness.tabular.encoders import ordinal
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns

from .choices import (
    CORRECTION_HELP,
    INTERVAL_HELP,
    LINKED,
    TRANSFORM_HELP,
    Loss,
    Plan,
    Transform,
    refuse_loss,
)

BINS = 255
"""Most distinct values of a column, and so most levels of a category, that the estimator takes."""
LOSSES = {"rmse": "squared_error", "mae": "absolute_error", "poisson": "poisson"}


@dataclass(frozen=True)
class HistGradientBoostingParams:
    """Parameters of `airquality.hist_gradient_boosting`; the defaults are scikit-learn's own."""

    iterations: int = param(100, "trees", low=1, high=10_000)
    learning_rate: float = param(0.1, "shrinkage of each tree", low=0.001, high=1.0, log=True)
    leaves: int = param(31, "most leaves of a tree", low=2, high=1024, log=True)
    min_leaf: int = param(20, "fewest rows in a leaf", low=1, high=10_000, log=True)
    l2: float = param(0.0, "L2 penalty of leaf values", low=0.0, high=1000.0)
    max_features: float = param(1.0, "share of the columns tried at each split", low=0.01, high=1.0)
    loss: Loss = param("rmse", "rmse, mae or poisson")
    transform: Transform = param("none", TRANSFORM_HELP)
    bias_correction: bool = param(True, CORRECTION_HELP)
    bag: int = param(1, "seeds averaged; they differ only if max_features is below 1", low=1, high=100)
    interval: float = param(0.0, INTERVAL_HELP, low=0.0, high=0.999)


def build(params: HistGradientBoostingParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model; early stopping is off, since it would cut rows away without the splitter."""
    from .regression import RegressionModel

    refuse_loss(RECIPE.name, params.loss, tuple(LOSSES), params.transform)

    def make(quantile: float | None, seed: int) -> SklearnEngine:
        return SklearnEngine(lambda columns: _pipeline(params, columns, quantile, seed), context.threads)

    plan = Plan(
        RECIPE.name,
        params.transform,
        median=params.loss == "mae",
        nonnegative=params.loss in LINKED,
        bias_correction=params.bias_correction,
        interval=params.interval,
        bag=params.bag,
    )
    return RegressionModel(make, info, plan, context.seed)


def _pipeline(params: HistGradientBoostingParams, columns: Columns, quantile: float | None, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline

    model = HistGradientBoostingRegressor(
        loss=LOSSES[params.loss] if quantile is None else "quantile",
        quantile=quantile,
        max_iter=params.iterations,
        learning_rate=params.learning_rate,
        max_leaf_nodes=params.leaves,
        min_samples_leaf=params.min_leaf,
        l2_regularization=params.l2,
        max_features=params.max_features,
        categorical_features=[True] * len(columns.categories) + [False] * len(columns.numbers),
        early_stopping=False,
        random_state=seed,
    )
    return Pipeline([("encode", ordinal(columns, levels=BINS)), ("model", model)])


RECIPE = ModelRecipe(
    "airquality.hist_gradient_boosting",
    "histogram gradient boosting, target transforms and intervals (scikit-learn)",
    frozenset({TaskType.REGRESSION}),
    HistGradientBoostingParams,
    build,
)
