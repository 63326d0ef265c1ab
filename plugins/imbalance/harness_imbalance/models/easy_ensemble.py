"""Easy ensemble: AdaBoost on many random undersamplings of the majority, averaged.

Liu, Wu and Zhou 2009, https://doi.org/10.1109/TSMCB.2008.2007853
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
class EasyEnsembleParams:
    """Parameters of `imbalance.easy_ensemble`."""

    samplings: int = param(10, "undersamplings, one AdaBoost on each", low=1, high=1000, tune=False)
    rounds: int = param(50, "boosting rounds of each AdaBoost", low=1, high=1000, log=True, tune=(10, 200))


def build(params: EasyEnsembleParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model; it takes no sample weights."""

    def make(columns: Columns) -> Any:
        from imblearn.ensemble import EasyEnsembleClassifier
        from sklearn.ensemble import AdaBoostClassifier
        from sklearn.pipeline import Pipeline

        model = EasyEnsembleClassifier(
            n_estimators=params.samplings,
            estimator=AdaBoostClassifier(n_estimators=params.rounds),
            n_jobs=context.threads,
            random_state=context.seed % 2**32,
        )
        return Pipeline([("encode", one_hot(columns, scale=False)), ("model", model)])

    return TableModel(SklearnEngine(make, context.threads, weighted=False, trusted=IMBLEARN), info)


RECIPE = ModelRecipe(
    "imbalance.easy_ensemble",
    "AdaBoost on balanced undersamplings, averaged (imbalanced-learn)",
    CLASSIFICATION,
    EasyEnsembleParams,
    build,
)
