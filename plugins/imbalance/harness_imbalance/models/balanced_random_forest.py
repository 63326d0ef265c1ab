"""Balanced random forest: each tree grows on a bootstrap with equal shares of the classes.

Chen, Liaw and Breiman 2004, https://statistics.berkeley.edu/tech-reports/666
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.data import DatasetInfo
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe
from harness.params import param
from harness.tabular.encoders import one_hot
from harness.tabular.model import TableModel
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns

from .trusted import IMBLEARN


@dataclass(frozen=True)
class BalancedRandomForestParams:
    """Parameters of `imbalance.balanced_random_forest`."""

    trees: int = param(200, "trees", low=1, high=10_000, tune=False)
    max_depth: int = param(0, "deepest level of a tree, 0 = no limit", low=0, high=1000, tune=False)
    min_leaf: int = param(2, "fewest rows in a leaf", low=1, high=10_000, log=True, tune=(1, 200))
    max_features: float = param(0.3, "share of the columns tried at each split", low=0.01, high=1.0, tune=(0.05, 1.0))


def build(params: BalancedRandomForestParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model."""

    def make(columns: Columns) -> Any:
        from imblearn.ensemble import BalancedRandomForestClassifier
        from sklearn.pipeline import Pipeline

        model = BalancedRandomForestClassifier(
            n_estimators=params.trees,
            max_depth=params.max_depth or None,
            min_samples_leaf=params.min_leaf,
            max_features=params.max_features,
            sampling_strategy="all",
            replacement=True,
            bootstrap=False,
            n_jobs=context.threads,
            random_state=context.seed % 2**32,
        )
        return Pipeline([("encode", one_hot(columns, scale=False)), ("model", model)])

    return TableModel(SklearnEngine(make, context.threads, trusted=IMBLEARN), info)


RECIPE = ModelRecipe(
    "imbalance.balanced_random_forest",
    "random forest with classes balanced in each tree (imbalanced-learn)",
    CLASSIFICATION,
    BalancedRandomForestParams,
    build,
)
