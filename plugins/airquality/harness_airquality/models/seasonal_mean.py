"""The level of each place, or region, in each month of the year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.data import DatasetInfo, TaskType
from harness.offers import BuildContext, Model, ModelRecipe
from harness.params import param
from harness_airquality.stations import PLACE, REGION, TIME

from .choices import Statistic

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MONTH = "month"
GROUPS = {
    "place_month": [PLACE, MONTH],
    "region_month": [REGION, MONTH],
    "place": [PLACE],
    "region": [REGION],
    "month": [MONTH],
}
"""What is asked, in this order."""


@dataclass(frozen=True)
class SeasonalMeanParams:
    """Parameters of `airquality.seasonal_mean`."""

    statistic: Statistic = param("mean", "mean or median of a group's training targets")
    least: int = param(3, "training rows that a group must have to be believed", low=1)


def build(params: SeasonalMeanParams, info: DatasetInfo, _context: BuildContext) -> Model:
    """Build the model."""
    from .baseline import BaselineModel, Method

    needs = (PLACE, TIME, REGION)
    method = Method(RECIPE.name, needs, (*GROUPS, "all"), lambda readings: learn(params, readings), answer)
    return BaselineModel(method, info)


def learn(params: SeasonalMeanParams, readings: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the centre of each group with rows enough; the region "" is none."""
    import pandas as pd

    from .baseline import TARGET, VALUE, WEIGHT, centre, centres

    monthly = readings.assign(**{MONTH: readings[TIME].dt.month})
    tables = {}
    for name, keys in GROUPS.items():
        rows = monthly[monthly[REGION] != ""] if REGION in keys else monthly
        found = centres(rows, keys, params.statistic)
        tables[name] = found[found["rows"] >= params.least].reset_index(drop=True)
    overall = centre(readings[TARGET].to_numpy(), readings[WEIGHT].to_numpy(), params.statistic)
    return {**tables, "all": pd.DataFrame({VALUE: [overall]})}


def answer(tables: Any, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return the value of the first of `GROUPS` that knows the row, else of all."""
    from .baseline import VALUE, first_known, look_up

    monthly = rows.assign(**{MONTH: rows[TIME].dt.month})
    values = [look_up(tables[name], keys, monthly) for name, keys in GROUPS.items()]
    return first_known(*values, tables["all"][VALUE].to_numpy()[0])


RECIPE = ModelRecipe(
    "airquality.seasonal_mean",
    "mean or median of the place in that month; else of region and month, place, region, month, all",
    frozenset({TaskType.REGRESSION}),
    SeasonalMeanParams,
    build,
)
