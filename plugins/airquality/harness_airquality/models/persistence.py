"""What was measured last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.data import DatasetInfo, TaskType
from harness.offers import BuildContext, Model, ModelRecipe
from harness.params import NoParams
from harness_airquality.stations import PLACE, REGION, TIME

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

ALL = "all"
TABLES = (PLACE, REGION, ALL, "mean")


def build(_params: NoParams, info: DatasetInfo, _context: BuildContext) -> Model:
    """Build the model."""
    from .baseline import BaselineModel, Method

    return BaselineModel(Method(RECIPE.name, (PLACE, TIME, REGION), TABLES, learn, answer), info)


def learn(readings: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the mean training target at each time: of each place, each region (the region "" is none), and all."""
    import pandas as pd

    from .baseline import TARGET, VALUE, WEIGHT

    def means(keys: list[str], rows: pd.DataFrame) -> pd.DataFrame:
        weighted = rows.assign(value=rows[TARGET] * rows[WEIGHT])
        sums = weighted.groupby(keys, sort=True)[[VALUE, WEIGHT]].sum()
        known = sums[sums[WEIGHT] > 0].reset_index()
        return known.assign(value=known[VALUE] / known[WEIGHT])[[*keys, VALUE]]

    regional = readings[readings[REGION] != ""]
    overall = (readings[TARGET] * readings[WEIGHT]).sum() / readings[WEIGHT].sum()
    return {
        PLACE: means([PLACE, TIME], readings),
        REGION: means([REGION, TIME], regional),
        ALL: means([TIME], readings),
        "mean": pd.DataFrame({VALUE: [overall]}),
    }


def answer(tables: Any, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return the newest value strictly before a row's time: of its place, else its region, else all.

    A row older than every training row gets the mean of the training targets.
    """
    from .baseline import VALUE, first_known

    found = [_before(tables[key], [] if key == ALL else [key], rows) for key in (PLACE, REGION, ALL)]
    return first_known(*found, tables["mean"][VALUE].to_numpy()[0])


def _before(known: pd.DataFrame, keys: list[str], rows: pd.DataFrame) -> NDArray[np.float64]:
    import numpy as np
    import pandas as pd

    from .baseline import VALUE

    asked = rows[[*keys, TIME]].assign(row=np.arange(len(rows))).sort_values(TIME, kind="stable")
    old = known.sort_values(TIME, kind="stable")
    for key in keys:
        asked, old = asked.astype({key: str}), old.astype({key: str})
    asked, old = asked.astype({TIME: "datetime64[ns]"}), old.astype({TIME: "datetime64[ns]"})
    found = pd.merge_asof(asked, old, on=TIME, by=keys or None, allow_exact_matches=False)
    values = np.full(len(rows), np.nan)
    values[found["row"].to_numpy()] = found[VALUE].to_numpy(dtype=np.float64)
    return values


RECIPE = ModelRecipe(
    "airquality.persistence",
    "last training target strictly before the row: of its place, else its region, else all places",
    frozenset({TaskType.REGRESSION}),
    NoParams,
    build,
)
