"""Scores of prediction intervals; NaN where predictions have none."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.data import TaskType
from harness.offers import Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rows = Callable[[NDArray[Any], Floats], Floats]

MISSES = 0.1
"""Share of readings that may lie outside, for which `airquality.interval_score_90` is proper."""


def metrics() -> Iterable[Metric]:
    """Yield the metrics of intervals; values are (n, 3): point, lower, upper."""
    of = frozenset({TaskType.REGRESSION})
    rows: dict[str, Rows] = {
        "coverage": covered_rows,
        "interval_width": width_rows,
        "interval_score_90": partial(score_rows, misses=MISSES),
    }
    score = {name: partial(_mean, by_row) for name, by_row in rows.items()}
    for name, summary, better in (
        ("coverage", "share of readings inside their interval", "max"),
        ("interval_width", "mean width of intervals, in the target's unit", "min"),
        ("interval_score_90", "width of intervals of 90%, and 20 times what readings lie outside", "min"),
    ):
        yield Metric(
            f"airquality.{name}", summary, "max" if better == "max" else "min", "values", of, score[name], rows[name]
        )


def covered_rows(targets: NDArray[Any], values: Floats) -> Floats:
    """Return 1 where the reading lies inside or on its interval's ends, else 0, (n,); NaN without an interval."""
    import numpy as np

    if values.shape[1] != 3:
        return np.full(len(targets), np.nan)
    return ((values[:, 1] <= targets) & (targets <= values[:, 2])).astype(np.float64)


def width_rows(targets: NDArray[Any], values: Floats) -> Floats:
    """Return the width of intervals, (n,), in the target's unit; NaN without an interval."""
    import numpy as np

    if values.shape[1] != 3:
        return np.full(len(targets), np.nan)
    width: Floats = values[:, 2] - values[:, 1]
    return width


def score_rows(targets: NDArray[Any], values: Floats, misses: float) -> Floats:
    """Return the interval score, (n,), in the target's unit; NaN without an interval.

    Parameters
    ----------
    misses : float
        One minus the nominal coverage. The expected score is least where each end leaves half of it outside.

    References
    ----------
    Gneiting and Raftery 2007, Strictly Proper Scoring Rules, Prediction, and Estimation, equation 43.
    """
    import numpy as np

    if values.shape[1] != 3:
        return np.full(len(targets), np.nan)
    below, above = np.maximum(values[:, 1] - targets, 0), np.maximum(targets - values[:, 2], 0)
    score: Floats = width_rows(targets, values) + 2 / misses * (below + above)
    return score


def _mean(
    rows: Rows, targets: NDArray[Any], values: Floats, weights: Floats | None, _meta: pd.DataFrame | None
) -> float:
    import numpy as np

    return float(np.average(rows(targets, values), weights=weights)) if len(targets) else float("nan")
