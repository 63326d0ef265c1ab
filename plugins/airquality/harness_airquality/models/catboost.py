"""CatBoost (Prokhorenkova et al. 2018, https://arxiv.org/abs/1706.09516; https://catboost.ai/docs)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from harness.data import DatasetInfo, TaskType
from harness.offers import BuildContext, Model, ModelRecipe
from harness.params import param
from harness.tabular.catboost_engine import CatBoostEngine

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

LOSSES = ("rmse", "mae", "huber", "poisson", "tweedie")


@dataclass(frozen=True)
class CatBoostParams:
    """Parameters of `airquality.catboost`."""

    iterations: int = param(600, "trees", low=1, high=100_000)
    learning_rate: float = param(0.04, "shrinkage of each tree", low=0.001, high=1.0, log=True)
    depth: int = param(6, "levels of a tree", low=1, high=16)
    l2_leaf_reg: float = param(3.0, "L2 penalty of leaf values", low=0.0, high=1000.0)
    subsample: float = param(0.8, "share of the rows drawn for each tree", low=0.01, high=1.0)
    rsm: float = param(1.0, "share of the columns tried at each split; 1 on a GPU, which has none", low=0.01, high=1.0)
    loss: Loss = param("rmse", "rmse, mae, huber, poisson or tweedie")
    huber_delta: float = param(5.0, "error where huber turns linear, on the scale learned", low=1e-6, high=1e6)
    tweedie_power: float = param(1.5, "variance power of tweedie, between 1 and 2", low=1.01, high=1.99)
    transform: Transform = param("none", TRANSFORM_HELP)
    bias_correction: bool = param(True, CORRECTION_HELP)
    bag: int = param(1, "seeds averaged", low=1, high=100)
    early_stopping: int = param(0, "iterations without a gain on an inner holdout before stopping, 0 = off", low=0)
    interval: float = param(0.0, INTERVAL_HELP, low=0.0, high=0.999)


def build(params: CatBoostParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model; on a GPU where the task has one."""
    from .regression import RegressionModel

    refuse_loss(RECIPE.name, params.loss, LOSSES, params.transform)

    def make(quantile: float | None, seed: int) -> CatBoostEngine:
        loss = _loss(params) if quantile is None else f"Quantile:alpha={quantile:.6g}"
        options = _options(params, loss, context.device)
        return CatBoostEngine(info.task_type, options, params.early_stopping, replace(context, seed=seed), RECIPE.name)

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


def _options(params: CatBoostParams, loss: str, device: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "iterations": params.iterations,
        "learning_rate": params.learning_rate,
        "depth": params.depth,
        "l2_leaf_reg": params.l2_leaf_reg,
        "loss_function": loss,
        "bootstrap_type": "Bernoulli" if params.subsample < 1 else "No",
    }
    if params.subsample < 1:
        options["subsample"] = params.subsample
    if device != "cuda":
        options["rsm"] = params.rsm
    return options


def _loss(params: CatBoostParams) -> str:
    names = {
        "rmse": "RMSE",
        "mae": "MAE",
        "huber": f"Huber:delta={params.huber_delta:.6g}",
        "poisson": "Poisson",
        "tweedie": f"Tweedie:variance_power={params.tweedie_power:.6g}",
    }
    return names[params.loss]


RECIPE = ModelRecipe(
    "airquality.catboost",
    "seed-averaged gradient boosting of oblivious trees, target transforms and intervals (CatBoost)",
    frozenset({TaskType.REGRESSION}),
    CatBoostParams,
    build,
    inner=lambda params: params.early_stopping > 0,
    iterations="iterations",
)
