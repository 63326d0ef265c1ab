"""CatBoost (Prokhorenkova et al. 2018, https://arxiv.org/abs/1706.09516; https://catboost.ai/docs)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data import DatasetInfo, TaskType
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe
from harness.params import param
from harness.tabular.catboost_engine import CatBoostEngine
from harness.tabular.model import ClassWeights, TableModel

LOSSES = {TaskType.BINARY: "Logloss", TaskType.MULTICLASS: "MultiClass", TaskType.REGRESSION: "RMSE"}


@dataclass(frozen=True)
class CatBoostParams:
    """Parameters of `imbalance.catboost`."""

    iterations: int = param(500, "trees", low=1, high=100_000, log=True, tune=(50, 1000))
    learning_rate: float = param(0.05, "shrinkage of each tree", low=0.001, high=1.0, log=True, tune=(0.005, 0.3))
    depth: int = param(6, "levels of a tree", low=1, high=16, tune=(2, 8))
    l2_leaf_reg: float = param(3.0, "L2 penalty of leaf values", low=0.0, high=1000.0, log=True, tune=(0.5, 50.0))
    early_stopping: int = param(0, "iterations without a gain on an inner holdout before stopping, 0 = off", low=0)
    loss: str = param("auto", "loss by CatBoost's name; auto = Logloss, MultiClass or RMSE by task")
    class_weights: ClassWeights = param("none", "weights by class: none, or balanced (n / (k * n_c))")


def build(params: CatBoostParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model; on a GPU where the task has one."""
    options = {
        "iterations": params.iterations,
        "learning_rate": params.learning_rate,
        "depth": params.depth,
        "l2_leaf_reg": params.l2_leaf_reg,
        "loss_function": LOSSES[info.task_type] if params.loss == "auto" else params.loss,
    }
    engine = CatBoostEngine(info.task_type, options, params.early_stopping, context, RECIPE.name)
    return TableModel(engine, info, params.class_weights)


RECIPE = ModelRecipe(
    "imbalance.catboost",
    "gradient boosting of oblivious trees, with categories and missing values (CatBoost)",
    CLASSIFICATION | {TaskType.REGRESSION},
    CatBoostParams,
    build,
    inner=lambda params: params.early_stopping > 0,
    iterations="iterations",
)
