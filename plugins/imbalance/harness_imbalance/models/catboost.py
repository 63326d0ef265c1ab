"""CatBoost (Prokhorenkova et al. 2018, https://arxiv.org/abs/1706.09516; https://catboost.ai/docs)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data import DatasetInfo, TaskType
from harness.errors import ConfigError, StoreError
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe, TaskLog
from harness.params import param

from .table_model import ClassWeights, Rows, TableModel
from .tables import Columns

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FILE = "model.cbm"
MOST_POINTS = 50
LOSSES = {TaskType.BINARY: "Logloss", TaskType.MULTICLASS: "MultiClass", TaskType.REGRESSION: "RMSE"}


@dataclass(frozen=True)
class CatBoostParams:
    """Parameters of `imbalance.catboost`."""

    iterations: int = param(500, "trees", low=1, high=100_000)
    learning_rate: float = param(0.05, "shrinkage of each tree", low=0.001, high=1.0, log=True)
    depth: int = param(6, "levels of a tree", low=1, high=16)
    l2_leaf_reg: float = param(3.0, "L2 penalty of leaf values", low=0.0, high=1000.0)
    early_stopping: int = param(0, "iterations without a gain on an inner holdout before stopping, 0 = off", low=0)
    loss: str = param("auto", "loss by CatBoost's name; auto = Logloss, MultiClass or RMSE by task")
    class_weights: ClassWeights = param("none", "weights by class: none, or balanced (n / (k * n_c))")


class CatBoostEngine:
    """CatBoost behind the plugin's interface; categories go in as they are, missing numbers too."""

    def __init__(self, params: CatBoostParams, info: DatasetInfo, context: BuildContext) -> None:
        self.params = params
        self.info = info
        self.context = context
        self.best_iteration: int | None = None
        self.model: Any = None

    def fit(self, train: Rows, inner: Rows | None, columns: Columns, log: TaskLog) -> None:
        """Train, and stop early on `inner` if asked to."""
        from catboost import CatBoostError, Pool

        stopping = self.params.early_stopping > 0 and inner is not None
        self.model = self._new()(**self._options())
        pools = [
            Pool(rows.table, rows.targets, weight=rows.weights, cat_features=list(columns.categories))
            for rows in (train, inner)
            if rows is not None
        ]
        extra = {"early_stopping_rounds": self.params.early_stopping, "use_best_model": True} if stopping else {}
        try:
            self.model.fit(pools[0], eval_set=pools[1] if stopping else None, **extra)
        except CatBoostError as error:
            raise ConfigError(f"imbalance.catboost: CatBoost refuses: {_first_line(error)}") from error
        if stopping:
            self.best_iteration = int(self.model.get_best_iteration()) + 1
        _tell(self.model.get_evals_result(), log)

    def predict(self, table: pd.DataFrame) -> Floats:
        """Return probabilities (n, m), or values (n,) of a regression."""
        threads = self.context.threads
        if self.info.task_type == TaskType.REGRESSION:
            values: Floats = self.model.predict(table, thread_count=threads)
        else:
            values = self.model.predict_proba(table, thread_count=threads)
        return values

    def save(self, directory: Path) -> None:
        """Write ``model.cbm``; the same training gives the same bytes."""
        facts = self.model.get_metadata()
        facts["train_finish_time"] = facts["model_guid"] = ""
        self.model.save_model(str(directory / FILE), format="cbm")

    def load(self, directory: Path) -> None:
        """Read ``model.cbm``, CatBoost's own format.

        Raises
        ------
        StoreError
            If it is missing or damaged.
        """
        from catboost import CatBoostError

        path = directory / FILE
        try:
            self.model = self._new()().load_model(str(path), format="cbm")
        except CatBoostError as error:
            raise StoreError(f"{path}: no CatBoost model: {_first_line(error)}; train the run again") from error

    def _new(self) -> Any:
        from catboost import CatBoostClassifier, CatBoostRegressor

        return CatBoostRegressor if self.info.task_type == TaskType.REGRESSION else CatBoostClassifier

    def _options(self) -> dict[str, Any]:
        params = self.params
        return {
            "iterations": params.iterations,
            "learning_rate": params.learning_rate,
            "depth": params.depth,
            "l2_leaf_reg": params.l2_leaf_reg,
            "loss_function": LOSSES[self.info.task_type] if params.loss == "auto" else params.loss,
            "task_type": "GPU" if self.context.device == "cuda" else "CPU",
            "thread_count": self.context.threads,
            "random_seed": self.context.seed % 2**32,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }


def _tell(history: dict[str, dict[str, list[float]]], log: TaskLog) -> None:
    """Log each metric of the training and the inner rows, `MOST_POINTS` at most."""
    curves = {
        f"{'train' if part == 'learn' else 'inner'}_{name.lower()}": values
        for part, metrics in history.items()
        for name, values in metrics.items()
    }
    length = max((len(values) for values in curves.values()), default=0)
    points = min(MOST_POINTS, length)
    for point in range(points):
        step = round(point * (length - 1) / max(points - 1, 1))
        log.epoch(step, **{name: float(values[step]) for name, values in curves.items() if step < len(values)})


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def build(params: CatBoostParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model; on a GPU where the task has one."""
    return TableModel(CatBoostEngine(params, info, context), info, params.class_weights)


RECIPE = ModelRecipe(
    "imbalance.catboost",
    "gradient boosting of oblivious trees, with categories and missing values (CatBoost)",
    CLASSIFICATION | {TaskType.REGRESSION},
    CatBoostParams,
    build,
    inner=lambda params: params.early_stopping > 0,
    iterations="iterations",
)
