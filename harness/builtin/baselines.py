"""Built-in baselines: what a strategy must beat to have learned anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.competition import Competition, Strategy, Use
from harness.data import DatasetInfo, Examples, Predictions, TaskType
from harness.errors import ConfigError, DataError, StoreError, listed, nearest
from harness.hookspecs import hookimpl
from harness.offers import ALL_TASKS, BuildContext, ModelRecipe, TaskLog
from harness.params import param

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FILE = "constant.json"
Predict = Literal["auto", "prior", "majority", "mean", "median", "shares"]


@dataclass(frozen=True)
class ConstantParams:
    """Parameters of ``constant``."""

    predict: Predict = param(
        "auto",
        "prior: shares of the training classes; majority: 1 for the largest class, 0 for the others; shares: those"
        " declared; mean, median: of a regression's targets; auto: shares if declared, else prior or mean",
    )
    shares: dict[str, float] | None = param(None, "declared share of each class (of several labels: rate of each)")


@hookimpl
def harness_models() -> Iterable[ModelRecipe]:
    yield ModelRecipe("constant", "the same prediction for every row", ALL_TASKS, ConstantParams, build_constant)


def baselines_for(competition: Competition, shares: Mapping[str, float] | None) -> tuple[Strategy, ...]:
    """Return the strategies that the harness adds to every leaderboard.

    Parameters
    ----------
    shares : mapping of str to float, or None
        Class shares of the test set, where the competition declares them; they give a baseline of their own, because
        a strategy trained on other shares may beat ``baseline-prior`` by knowing nothing else.
    """
    if competition.task is TaskType.REGRESSION:
        return (
            _baseline("mean", {"predict": "mean"}, "mean of the training targets, the constant of least squared error"),
            _baseline("median", {"predict": "median"}, "median of the training targets, of least absolute error"),
        )
    prior = _baseline("prior", {"predict": "prior"}, "class shares of the training rows")
    if shares is None:
        return (prior,)
    declared = {"predict": "shares", "shares": dict(shares)}
    return (prior, _baseline("target-prior", declared, "class shares declared for the test set"))


def _baseline(name: str, params: Mapping[str, object], description: str) -> Strategy:
    return Strategy(f"baseline-{name}", Use("constant", params), description=description, baseline=True)


def build_constant(params: ConstantParams, info: DatasetInfo, _context: BuildContext) -> Constant:
    """Build the constant model.

    Raises
    ------
    ConfigError
        If what to predict does not fit the task, or the declared shares do not fit the classes.
    """
    how = params.predict
    regression = info.task_type is TaskType.REGRESSION
    if how == "auto":
        how = "shares" if params.shares is not None else "mean" if regression else "prior"
    if regression != (how in ("mean", "median")):
        fitting = "'mean' or 'median'" if regression else "'prior', 'majority' or 'shares'"
        raise ConfigError(
            f"model 'constant': predict = {how!r} does not fit task {info.task_type.value!r}: {fitting} do"
        )
    if (how == "shares") != (params.shares is not None):
        raise ConfigError(f"model 'constant': predict = {how!r} and shares = {params.shares!r} do not fit together")
    return Constant(how, info, None if params.shares is None else _declared(params.shares, info))


class Constant:
    """Predicts the same values for every row.

    Attributes
    ----------
    values : (k,) float64
        In the order of `DatasetInfo.outputs`; empty before it is fitted.
    """

    def __init__(self, how: Predict, info: DatasetInfo, shares: list[float] | None) -> None:
        self.how, self.info, self.shares = how, info, shares
        self.values: list[float] = []

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:  # noqa: ARG002
        """Learn the constant from targets and weights of the training rows."""
        self.values = self.shares if self.shares is not None else _constant(self.how, train, self.info)
        told = (f"{name} {value:.4g}" for name, value in zip(self.info.outputs, self.values, strict=True))
        log.note(f"predicts {listed(told)} for every row")

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, k) equal rows."""
        import numpy as np

        values = np.tile(np.asarray(self.values, dtype=np.float64), (len(examples), 1))
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write ``constant.json``."""
        state = {"columns": self.info.outputs, "values": self.values}
        (directory / FILE).write_text(json.dumps(state), encoding="utf-8")

    def load(self, directory: Path) -> None:
        """Read ``constant.json``."""
        state = json.loads((directory / FILE).read_text(encoding="utf-8"))
        if tuple(state["columns"]) != self.info.outputs:
            found, expected = listed(state["columns"]), listed(self.info.outputs)
            raise StoreError(f"{directory / FILE} predicts {found}, expected {expected}; train it again")
        self.values = [float(value) for value in state["values"]]


def _constant(how: Predict, train: Examples, info: DatasetInfo) -> list[float]:
    import numpy as np

    weights = np.ones(len(train)) if train.weights is None else train.weights
    if train.targets is None or not weights.sum() > 0:
        raise DataError("model 'constant': there is no training row with a target and a weight")
    if how == "mean":
        return [float(np.average(train.targets, weights=weights))]
    if how == "median":
        return [_median(train.targets, train.weights)]
    k = len(info.classes)
    if train.targets.ndim == 2:
        shares = np.average(train.targets, axis=0, weights=weights)
        majority = shares > 0.5
    else:
        shares = np.bincount(train.targets, weights=weights, minlength=k) / weights.sum()
        majority = np.arange(k) == shares.argmax()
    return [float(value) for value in (majority if how == "majority" else shares)]


def _median(targets: Floats, weights: Floats | None) -> float:
    import numpy as np

    if weights is None:
        return float(np.median(targets))
    return float(np.quantile(targets, 0.5, weights=weights, method="inverted_cdf"))


def _declared(shares: Mapping[str, float], info: DatasetInfo) -> list[float]:
    for name in shares:
        if name not in info.classes:
            raise ConfigError(f"model 'constant': shares: no class {name!r}{nearest(name, info.classes)}")
    missing = [name for name in info.classes if name not in shares]
    if missing:
        raise ConfigError(f"model 'constant': shares: missing {listed(missing)}")
    total = sum(shares.values()) if info.task_type.single_label else 1.0
    if not all(0 <= share <= 1 for share in shares.values()) or abs(total - 1) > 1e-3:
        expected = "shares that sum to 1" if info.task_type.single_label else "rates between 0 and 1"
        raise ConfigError(f"model 'constant': shares = {dict(shares)}: expected {expected}")
    return [shares[name] / total for name in info.classes]
