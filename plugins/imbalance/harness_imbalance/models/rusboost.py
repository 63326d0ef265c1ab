"""RUSBoost: AdaBoost that undersamples the majority before each round.

Seiffert, Khoshgoftaar, Van Hulse and Napolitano 2010, https://doi.org/10.1109/TSMCA.2009.2029559
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.data import DatasetInfo
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe, TaskLog
from harness.params import param
from harness.tabular.encoders import one_hot
from harness.tabular.model import TableModel
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns

from .trusted import IMBLEARN


@dataclass(frozen=True)
class RusBoostParams:
    """Parameters of `imbalance.rusboost`."""

    rounds: int = param(100, "boosting rounds", low=1, high=10_000, log=True, tune=(20, 500))
    learning_rate: float = param(0.05, "shrinkage of each round", low=0.001, high=2.0, log=True, tune=(0.01, 1.0))
    max_depth: int = param(3, "deepest level of each tree", low=1, high=32, tune=(1, 8))


def build(params: RusBoostParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model."""

    def make(columns: Columns) -> Any:
        from imblearn.ensemble import RUSBoostClassifier
        from sklearn.pipeline import Pipeline
        from sklearn.tree import DecisionTreeClassifier

        model = RUSBoostClassifier(
            estimator=DecisionTreeClassifier(max_depth=params.max_depth),
            n_estimators=params.rounds,
            learning_rate=params.learning_rate,
            random_state=context.seed % 2**32,
        )
        return Pipeline([("encode", one_hot(columns, scale=False)), ("model", model)])

    def after(model: Any, log: TaskLog) -> None:
        rounds = len(model.estimators_)
        if rounds < params.rounds:
            log.note(
                f"boosting ended after {rounds} of {params.rounds} rounds, where a tree was no better than chance on"
                " the weighted rows; a lower learning_rate gives more rounds"
            )

    return TableModel(SklearnEngine(make, context.threads, after=after, trusted=IMBLEARN), info)


RECIPE = ModelRecipe(
    "imbalance.rusboost",
    "AdaBoost that undersamples before each round (imbalanced-learn)",
    CLASSIFICATION,
    RusBoostParams,
    build,
)
