"""Engine for CatBoost (Prokhorenkova et al. 2018, https://arxiv.org/abs/1706.09516; https://catboost.ai/docs).

The library is the plugin's dependency, not the core's; it loads when a model is fitted or read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data import TaskType
from harness.errors import ConfigError, StoreError
from harness.offers import BuildContext, TaskLog
from harness.tabular.model import Rows
from harness.tabular.tables import Columns

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FILE = "model.cbm"
MOST_POINTS = 50
"""Points of a learning curve that are logged."""


class CatBoostEngine:
    """CatBoost behind the interface of engines; categories go in as they are, missing numbers too.

    Parameters
    ----------
    options : mapping
        CatBoost's own parameters; device, threads and seed come from `context`.
    early_stopping : int
        Iterations without a gain on the inner holdout before stopping; 0 = off.
    who : str
        Name of the offer, for messages.
    """

    def __init__(
        self, task: TaskType, options: Mapping[str, Any], early_stopping: int, context: BuildContext, who: str
    ) -> None:
        self.task = task
        self.options = options
        self.early_stopping = early_stopping
        self.context = context
        self.who = who
        self.best_iteration: int | None = None
        self.model: Any = None

    def fit(self, train: Rows, inner: Rows | None, columns: Columns, log: TaskLog) -> None:
        """Train, and stop early on `inner` if asked to."""
        from catboost import CatBoostError, Pool

        stopping = self.early_stopping > 0 and inner is not None
        self.model = self._new()(**self._options())
        pools = [
            Pool(rows.table, rows.targets, weight=rows.weights, cat_features=list(columns.categories))
            for rows in (train, inner)
            if rows is not None
        ]
        extra = {"early_stopping_rounds": self.early_stopping, "use_best_model": True} if stopping else {}
        try:
            self.model.fit(pools[0], eval_set=pools[1] if stopping else None, **extra)
        except CatBoostError as error:
            raise ConfigError(f"{self.who}: CatBoost refuses: {_first_line(error)}") from error
        if stopping:
            self.best_iteration = int(self.model.get_best_iteration()) + 1
        _tell(self.model.get_evals_result(), log)

    def predict(self, table: pd.DataFrame) -> Floats:
        """Return probabilities (n, m), or values (n,) of a regression."""
        threads = self.context.threads
        if self.task == TaskType.REGRESSION:
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

        return CatBoostRegressor if self.task == TaskType.REGRESSION else CatBoostClassifier

    def _options(self) -> dict[str, Any]:
        return {
            **self.options,
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
