"""Histogram gradient boosting of scikit-learn.

https://scikit-learn.org/stable/modules/ensemble.html#histogram-based-gradient-boosting
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.data import DatasetInfo, TaskType
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe
from harness.params import param
from harness.tabular.encoders import ordinal
from harness.tabular.model import ClassWeights, TableModel
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns

BINS = 255
"""Most distinct values of a column, and so most levels of a category, that the estimator takes."""


@dataclass(frozen=True)
class HistGradientBoostingParams:
    """Parameters of `imbalance.hist_gradient_boosting`."""

    iterations: int = param(200, "trees per class", low=1, high=10_000, log=True, tune=(30, 500))
    learning_rate: float = param(0.05, "shrinkage of each tree", low=0.001, high=1.0, log=True, tune=(0.01, 0.3))
    leaves: int = param(31, "most leaves of a tree", low=2, high=1024, log=True, tune=(4, 64))
    min_leaf: int = param(20, "fewest rows in a leaf", low=1, high=10_000, log=True, tune=(5, 300))
    l2: float = param(0.0, "L2 penalty of leaf values", low=0.0, high=1000.0, log=True, tune=(0.01, 50.0))
    class_weights: ClassWeights = param("none", "weights by class: none, or balanced (n / (k * n_c))")


def build(params: HistGradientBoostingParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model; early stopping is off, since it would cut rows away without the splitter."""

    def make(columns: Columns) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        from sklearn.pipeline import Pipeline

        kind = (
            HistGradientBoostingRegressor if info.task_type == TaskType.REGRESSION else HistGradientBoostingClassifier
        )
        model = kind(
            max_iter=params.iterations,
            learning_rate=params.learning_rate,
            max_leaf_nodes=params.leaves,
            min_samples_leaf=params.min_leaf,
            l2_regularization=params.l2,
            categorical_features=[True] * len(columns.categories) + [False] * len(columns.numbers),
            early_stopping=False,
            random_state=context.seed % 2**32,
        )
        return Pipeline([("encode", ordinal(columns, levels=BINS)), ("model", model)])

    return TableModel(SklearnEngine(make, context.threads), info, params.class_weights)


RECIPE = ModelRecipe(
    "imbalance.hist_gradient_boosting",
    "histogram gradient boosting (scikit-learn)",
    CLASSIFICATION | {TaskType.REGRESSION},
    HistGradientBoostingParams,
    build,
)
