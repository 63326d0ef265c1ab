"""Scores of a regression's point predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.builtin._metrics.shapes import counted, point

if TYPE_CHECKING:
    import pandas as pd

    from harness.builtin._metrics.shapes import Floats, Targets


def mae_rows(targets: Targets, values: Floats) -> Floats:
    """Return each row's absolute error of the point prediction, in the target's unit."""
    return abs(targets - point(values))


def rmse(targets: Targets, values: Floats, weights: Floats | None, _meta: pd.DataFrame | None) -> float:
    """Return the root of the mean squared error of the point prediction, in the target's unit."""
    from sklearn.metrics import root_mean_squared_error

    targets, values, weights = counted(targets, values, weights)
    if not len(targets):
        return float("nan")
    return float(root_mean_squared_error(targets, point(values), sample_weight=weights))


def r2(targets: Targets, values: Floats, weights: Floats | None, _meta: pd.DataFrame | None) -> float:
    """Return the coefficient of determination of the point prediction; NaN where the target does not vary."""
    from sklearn.metrics import r2_score

    targets, values, weights = counted(targets, values, weights)
    if not len(targets) or (targets == targets[0]).all():
        return float("nan")
    return float(r2_score(targets, point(values), sample_weight=weights))
