"""Extremely randomised trees (Geurts et al. 2006, https://doi.org/10.1007/s10994-006-6226-1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.data import DatasetInfo, TaskType
from harness.offers import BuildContext, Model, ModelRecipe
from harness.params import param
from harness.tabular.encoders import one_hot
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns

from .choices import CORRECTION_HELP, INTERVAL_HELP, TRANSFORM_HELP, Loss, Plan, Transform, refuse_loss

LOSSES = {"rmse": "squared_error", "mae": "absolute_error"}


@dataclass(frozen=True)
class ExtraTreesParams:
    """Parameters of `airquality.extra_trees`."""

    trees: int = param(300, "trees", low=1, high=10_000)
    max_depth: int = param(0, "deepest level of a tree, 0 = no limit", low=0, high=1000)
    min_leaf: int = param(3, "fewest rows in a leaf", low=1, high=10_000, log=True)
    max_features: float = param(0.4, "share of the columns tried at each split", low=0.01, high=1.0)
    loss: Loss = param("rmse", "rmse, or mae (slower)")
    transform: Transform = param("none", TRANSFORM_HELP)
    bias_correction: bool = param(True, CORRECTION_HELP)
    interval: float = param(0.0, INTERVAL_HELP, low=0.0, high=0.999)


def build(params: ExtraTreesParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model; missing numbers become the training median and a column that says where."""
    from .leaf_quantiles import LeafQuantileEngine
    from .regression import RegressionModel

    refuse_loss(RECIPE.name, params.loss, tuple(LOSSES), params.transform)

    def make(quantile: float | None, seed: int) -> SklearnEngine:
        def pipeline(columns: Columns) -> Any:
            return _pipeline(params, columns, context.threads, seed)

        if quantile is None:
            return SklearnEngine(pipeline, context.threads)
        return LeafQuantileEngine(pipeline, context.threads, quantile, seed)

    plan = Plan(
        RECIPE.name,
        params.transform,
        median=params.loss == "mae",
        bias_correction=params.bias_correction,
        interval=params.interval,
    )
    return RegressionModel(make, info, plan, context.seed)


def _pipeline(params: ExtraTreesParams, columns: Columns, threads: int, seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.pipeline import Pipeline

    model = ExtraTreesRegressor(
        n_estimators=params.trees,
        criterion=LOSSES[params.loss],
        max_depth=params.max_depth or None,
        min_samples_leaf=params.min_leaf,
        max_features=params.max_features,
        n_jobs=threads,
        random_state=seed,
    )
    return Pipeline([("encode", one_hot(columns, scale=False)), ("model", model)])


RECIPE = ModelRecipe(
    "airquality.extra_trees",
    "extremely randomised trees, target transforms and intervals (scikit-learn)",
    frozenset({TaskType.REGRESSION}),
    ExtraTreesParams,
    build,
)
