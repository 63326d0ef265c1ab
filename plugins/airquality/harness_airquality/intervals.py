"""Prediction intervals: offers and parameters only; the method loads when one is built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.data import DatasetInfo, TaskType
from harness.offers import Adjuster, Adjustment
from harness.params import param

CONFORMAL = "airquality.conformal"
COVERAGE = 0.9
REGION = "region"


@dataclass(frozen=True)
class ConformalParams:
    """How wide an interval is, and who shares a correction."""

    coverage: float = param(COVERAGE, "share of new readings that shall lie inside", low=0.5, high=0.99)
    by: str = param(REGION, "column of the rows' meta whose values are corrected apart; '' corrects all alike")
    min_rows: int = param(20, "rows below which a region takes the correction of all", low=1, high=100000)
    shrinkage: float = param(
        30.0, "places a region needs to move halfway from the correction of all to its own", low=0.0, high=1000.0
    )
    place_weighted: bool = param(True, "every place counts the same, however many rows it has")
    level_rows: int = param(150, "rows of a step of the spread, where the model predicts a point only", low=20)


def _conformal(params: ConformalParams, info: DatasetInfo) -> Adjustment:
    from harness_airquality.conformal import Conformal

    return Conformal(params, info)


def adjusters() -> Iterable[Adjuster]:
    """Yield the adjusters of a regression's predictions."""
    yield Adjuster(
        CONFORMAL,
        "prediction intervals by conformal calibration, per region, honest for places never seen",
        frozenset({TaskType.REGRESSION}),
        ConformalParams,
        _conformal,
    )
