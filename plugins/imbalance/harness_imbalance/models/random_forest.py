"""Random forest (Breiman 2001, https://doi.org/10.1023/A:1010933404324)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.data import DatasetInfo, TaskType
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe
from harness.params import param
from harness.tabular.encoders import one_hot
from harness.tabular.model import ClassWeights, TableModel
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns


@dataclass(frozen=True)
class RandomForestParams:
    """Parameters of `imbalance.random_forest`."""

    trees: int = param(200, "trees", low=1, high=10_000, tune=False)
    max_depth: int = param(0, "deepest level of a tree, 0 = no limit", low=0, high=1000, tune=False)
    min_leaf: int = param(5, "fewest rows in a leaf", low=1, high=10_000, log=True, tune=(1, 200))
    max_features: float = param(0.3, "share of the columns tried at each split", low=0.01, high=1.0, tune=(0.05, 1.0))
    class_weights: ClassWeights = param("none", "weights by class: none, or balanced (n / (k * n_c))")


def build(params: RandomForestParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model."""

    def make(columns: Columns) -> Any:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
        from sklearn.pipeline import Pipeline

        kind = RandomForestRegressor if info.task_type == TaskType.REGRESSION else RandomForestClassifier
        model = kind(
            n_estimators=params.trees,
            max_depth=params.max_depth or None,
            min_samples_leaf=params.min_leaf,
            max_features=params.max_features,
            n_jobs=context.threads,
            random_state=context.seed % 2**32,
        )
        return Pipeline([("encode", one_hot(columns, scale=False)), ("model", model)])

    return TableModel(SklearnEngine(make, context.threads), info, params.class_weights)


RECIPE = ModelRecipe(
    "imbalance.random_forest",
    "random forest (scikit-learn)",
    CLASSIFICATION | {TaskType.REGRESSION},
    RandomForestParams,
    build,
)
