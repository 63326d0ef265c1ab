"""What moves a model's predictions: mean absolute SHAP values of each input column.

Lundberg and Lee 2017, https://arxiv.org/abs/1705.07874; exact for trees: Lundberg et al. 2020,
https://doi.org/10.1038/s42256-019-0138-9. CatBoost computes its own, those of scikit-learn's trees come from `shap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.data import Examples
from harness.results import FittedFold
from harness.tabular.catboost_engine import CatBoostEngine
from harness.tabular.model import TableModel
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns, read_table
from harness_airquality.models.regression import RegressionModel
from harness_airquality.stations import covariates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROWS = 60
"""Rows explained per fold; exact values of a forest cost a tenth of a second each."""


def importance(folds: Sequence[FittedFold], examples: Examples, held: Sequence[NDArray[np.int64]]) -> pd.DataFrame:
    """Average the absolute SHAP values of rows that each fold's model did not see.

    Parameters
    ----------
    folds : sequence of FittedFold
    examples : Examples
        The training rows.
    held : sequence of (m,) int64
        For each fold, the positions of rows to explain; `ROWS` of them, evenly chosen, are.

    Returns
    -------
    DataFrame
        feature, importance (mean of |SHAP| on the scale the model learned), direction (correlation of value and SHAP,
        NaN for categories); most important first. Empty where the models cannot be explained.
    """
    parts = [
        part
        for fold, rows in zip(folds, held, strict=True)
        if isinstance(fold.model, RegressionModel)
        for part in _fold(fold, fold.model, examples.take(_some(rows)))
    ]
    if not parts:
        return pd.DataFrame({"feature": [], "importance": [], "direction": []})
    every = pd.concat(parts)
    total = every.groupby("feature", sort=False)[["importance", "direction"]].mean()
    # a column that a fold's model never used counts as nothing there
    total["importance"] *= every.groupby("feature", sort=False).size() / len(parts)
    return total.sort_values("importance", ascending=False, kind="stable").reset_index()


def _some(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).astype(np.int64))]


def _fold(fold: FittedFold, model: RegressionModel, rows: Examples) -> list[pd.DataFrame]:
    inputs = fold.transform(rows).inputs
    parts = []
    for one in model.points[:1] if len(rows) else []:  # averaged seeds differ by chance only
        if one.constant is not None:
            continue
        table = read_table(covariates(inputs), one.columns)
        values = _shap(one, table)
        if values is not None:
            parts.append(_summary(table, values, one.columns))
    return parts


def _summary(table: pd.DataFrame, values: Floats, columns: Columns) -> pd.DataFrame:
    directions = [
        np.nan if name in columns.categories else _direction(table[name].to_numpy(), values[:, at])
        for at, name in enumerate(columns.names)
    ]
    return pd.DataFrame({"feature": columns.names, "importance": np.abs(values).mean(axis=0), "direction": directions})


def _direction(numbers: Floats, shap: Floats) -> float:
    known = np.isfinite(numbers)
    one, other = numbers[known], shap[known]
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def _shap(model: TableModel, table: pd.DataFrame) -> Floats | None:
    """Return SHAP values (n, columns), or None for an engine that is not explained."""
    engine: Any = model.engine
    if isinstance(engine, CatBoostEngine):
        from catboost import Pool

        pool = Pool(table, cat_features=list(model.columns.categories))
        values: Floats = engine.model.get_feature_importance(
            pool, type="ShapValues", thread_count=engine.context.threads
        )
        return values[:, :-1]  # the last is the expected prediction
    if isinstance(engine, SklearnEngine):
        return _pipeline(engine.pipeline, table, model.columns)
    return None


def _pipeline(pipeline: Any, table: pd.DataFrame, columns: Columns) -> Floats | None:
    encoder, estimator = pipeline.named_steps["encode"], pipeline.named_steps["model"]
    encoded = encoder.transform(table)
    if hasattr(estimator, "coef_"):  # exact where columns are independent
        values: Floats = (encoded - encoded.mean(axis=0)) * np.ravel(estimator.coef_)
    else:
        import shap

        values = np.asarray(shap.TreeExplainer(estimator).shap_values(encoded, check_additivity=False))
    return _by_column(values, [str(name) for name in encoder.get_feature_names_out()], columns)


def _by_column(values: Floats, encoded: Sequence[str], columns: Columns) -> Floats:
    """Add up what belongs to one input column: the levels of a category, a number and its flag of missing values.

    SHAP values are additive, so the sum is the column's own.
    """
    total = np.zeros((len(values), len(columns.names)))
    for at, name in enumerate(encoded):
        rest = name.partition("__")[2]
        rest = rest.removeprefix("missingindicator_")
        if rest in columns.names:
            column = rest
        else:
            column = max((c for c in columns.categories if rest.startswith(f"{c}_")), key=len)
        total[:, columns.names.index(column)] += values[:, at]
    return total
