"""Linear regression with an L2 penalty on imputed, standardised, one-hot encoded columns.

https://scikit-learn.org/stable/modules/linear_model.html#ridge-regression
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.data import DatasetInfo, TaskType
from harness.offers import BuildContext, Model, ModelRecipe
from harness.params import param
from harness.tabular.encoders import one_hot
from harness.tabular.model import TableModel
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns


@dataclass(frozen=True)
class RidgeParams:
    """Parameters of `imbalance.ridge`."""

    alpha: float = param(1.0, "strength of the L2 penalty", low=1e-6, high=1e6, log=True, tune=(1e-2, 1e4))
    scale: bool = param(True, "numbers to mean 0 and standard deviation 1; false: as the features made them")


def build(params: RidgeParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model."""

    def make(columns: Columns) -> Any:
        from sklearn.linear_model import Ridge
        from sklearn.pipeline import Pipeline

        return Pipeline([("encode", one_hot(columns, scale=params.scale)), ("model", Ridge(alpha=params.alpha))])

    return TableModel(SklearnEngine(make, context.threads), info)


RECIPE = ModelRecipe(
    "imbalance.ridge",
    "linear regression with an L2 penalty (scikit-learn)",
    frozenset({TaskType.REGRESSION}),
    RidgeParams,
    build,
)
