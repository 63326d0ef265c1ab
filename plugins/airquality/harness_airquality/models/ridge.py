"""Ridge regression (Hoerl and Kennard 1970, https://doi.org/10.1080/00401706.1970.10488634)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.data import DatasetInfo, TaskType
from harness.offers import BuildContext, Model, ModelRecipe
from harness.params import param
from harness.tabular.encoders import one_hot
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns

from .choices import CORRECTION_HELP, TRANSFORM_HELP, Plan, Transform


@dataclass(frozen=True)
class RidgeParams:
    """Parameters of `airquality.ridge`."""

    alpha: float = param(10.0, "L2 penalty of the coefficients of standardised columns", low=1e-6, high=1e6, log=True)
    transform: Transform = param("none", TRANSFORM_HELP)
    bias_correction: bool = param(True, CORRECTION_HELP)


def build(params: RidgeParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model; missing numbers become the training median and a column that says where."""
    from .regression import RegressionModel

    def make(_quantile: float | None, _seed: int) -> SklearnEngine:
        return SklearnEngine(lambda columns: _pipeline(params, columns), context.threads)

    plan = Plan(RECIPE.name, params.transform, bias_correction=params.bias_correction)
    return RegressionModel(make, info, plan, context.seed)


def _pipeline(params: RidgeParams, columns: Columns) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import Pipeline

    return Pipeline([("encode", one_hot(columns, scale=True)), ("model", Ridge(alpha=params.alpha))])


RECIPE = ModelRecipe(
    "airquality.ridge",
    "linear regression with an L2 penalty, target transforms (scikit-learn)",
    frozenset({TaskType.REGRESSION}),
    RidgeParams,
    build,
)
