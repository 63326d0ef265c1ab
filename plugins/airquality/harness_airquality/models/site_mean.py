"""The level of each place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.data import DatasetInfo, TaskType
from harness.offers import BuildContext, Model, ModelRecipe
from harness.params import param
from harness_airquality.stations import PLACE, REGION

from .choices import Statistic

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

TABLES = ("place", "region", "all")


@dataclass(frozen=True)
class SiteMeanParams:
    """Parameters of `airquality.site_mean`."""

    statistic: Statistic = param("mean", "mean or median of a place's training targets")
    shrink: float = param(5.0, "rows of its region that a place counts beside its own; a region, of all", low=0.0)


def build(params: SiteMeanParams, info: DatasetInfo, _context: BuildContext) -> Model:
    """Build the model."""
    from .baseline import BaselineModel, Method

    method = Method(RECIPE.name, (PLACE, REGION), TABLES, lambda readings: learn(params, readings), answer)
    return BaselineModel(method, info)


def learn(params: SiteMeanParams, readings: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Shrink regions to all rows, and places to their region: (w * own + shrink * wider) / (w + shrink).

    w is the sum of the rows' weights. A place in several regions counts to the one it is first seen in; the region ""
    is none.
    """
    import pandas as pd

    from .baseline import TARGET, VALUE, WEIGHT, centre, centres, first_known, look_up

    def shrunk(table: pd.DataFrame, wider: Any) -> pd.DataFrame:
        total = table[WEIGHT] + params.shrink
        return table.assign(value=(table[WEIGHT] * table[VALUE] + params.shrink * wider) / total)

    overall = centre(readings[TARGET].to_numpy(), readings[WEIGHT].to_numpy(), params.statistic)
    regions = shrunk(centres(readings[readings[REGION] != ""], [REGION], params.statistic), overall)
    places = centres(readings, [PLACE], params.statistic)
    home = readings.groupby(PLACE, sort=True)[REGION].first().reset_index()
    wider = first_known(look_up(regions, [REGION], home), overall)
    return {"place": shrunk(places, wider), "region": regions, "all": pd.DataFrame({VALUE: [overall]})}


def answer(tables: Any, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return the value of a row's place, else of its region, else of all."""
    from .baseline import VALUE, first_known, look_up

    place, region = (look_up(tables[key], [key], rows) for key in (PLACE, REGION))
    return first_known(place, region, tables["all"][VALUE].to_numpy()[0])


RECIPE = ModelRecipe(
    "airquality.site_mean",
    "mean or median of the place, shrunk to its region and to all; for a place unseen its region's",
    frozenset({TaskType.REGRESSION}),
    SiteMeanParams,
    build,
)
