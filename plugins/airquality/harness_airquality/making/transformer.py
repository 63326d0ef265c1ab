"""The features of a table of stations, one kind after the other, fitted on a fold's training rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.errors import DataError, listed, nearest
from harness.files import read_json, write_json
from harness_airquality.features import NAME, FeaturesParams
from harness_airquality.making.calendar import Calendar
from harness_airquality.making.kind import Kind
from harness_airquality.making.lags import Lags
from harness_airquality.making.missing import Missing
from harness_airquality.making.neighbours import Neighbours
from harness_airquality.making.solar import Solar
from harness_airquality.making.wind import Wind
from harness_airquality.stations import PLACE, REGION, ROLES, TIME, covariates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "features.json"


class StationFeatures:
    """The transformer of ``airquality.features``.

    It returns what a model takes of the inputs (coordinates and covariates), then the new columns of each kind. A
    place that was never seen, a row alone, a covariate that is missing throughout: what cannot be known is NaN.
    """

    def __init__(self, params: FeaturesParams, step: str) -> None:
        self.params, self.step = params, step
        self.kinds = kinds(params, step)
        self.columns: list[str] = []

    def fit_transform(self, inputs: Any, targets: NDArray[np.float64] | None) -> pd.DataFrame:
        """Learn from a fold's training inputs and return them transformed, as `transform` would.

        Parameters
        ----------
        inputs : (n, m) DataFrame
            place, time, latitude, longitude, region and covariates, in any order of rows.
        targets : (n,) float64 or None
            Needed by neighbours.

        Returns
        -------
        DataFrame
            (n, k): float64, and the covariates that are categories.

        Raises
        ------
        DataError
            If the inputs are no table of stations, or a covariate has the name of a new column.
        """
        table = _stations(inputs)
        self.columns = [str(name) for name in table]
        for kind in self.kinds.values():
            kind.fit(table, targets)
        self._refuse_doubled()
        return self.transform(table)

    def transform(self, inputs: Any) -> pd.DataFrame:
        """Transform other inputs (n, m), of which covariates may be used by each other; see `fit_transform`.

        Raises
        ------
        DataError
            If a column of the training inputs is missing.
        """
        assert self.columns, "fit_transform comes first"
        table = _stations(inputs)
        for name in self.columns:
            if name not in table:
                raise DataError(f"{NAME}: no column {name!r}{nearest(name, map(str, table))}")
        table = table[self.columns]
        return pd.concat([covariates(table), *(kind.transform(table) for kind in self.kinds.values())], axis=1)

    def save(self, directory: Path) -> None:
        """Write what was learned: one JSON file, and a Parquet file for each table of training rows."""
        state = {name: kind.state() for name, kind in self.kinds.items()}
        write_json(directory / FILE, {"columns": self.columns, "kinds": state})
        for name, kind in self.kinds.items():
            for part, table in kind.tables().items():
                table.to_parquet(directory / f"{name}-{part}.parquet", index=False)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote."""
        saved = read_json(directory / FILE)
        self.columns = saved["columns"]
        for name, kind in self.kinds.items():
            paths = directory.glob(f"{name}-*.parquet")
            tables = {path.stem.removeprefix(f"{name}-"): _read(path) for path in paths}
            kind.restore(saved["kinds"][name], tables)

    def _refuse_doubled(self) -> None:
        new = [str(name) for kind in self.kinds.values() for name in kind.get_feature_names_out()]
        doubled = [name for name in self.columns if name in set(new)]
        if doubled:
            raise DataError(f"{NAME} makes columns that the data have: {listed(doubled)}; drop or rename them")


def kinds(params: FeaturesParams, step: str) -> dict[str, Kind]:
    """Return the kinds of features that the parameters ask for, by name and in order."""
    found: dict[str, Kind] = {}
    if params.calendar:
        found["calendar"] = Calendar(step)
    if params.solar:
        found["solar"] = Solar(step, params.utc_offset)
    if params.wind_u or params.wind_from:
        found["wind"] = Wind(params.wind_u, params.wind_v, params.wind_from, params.wind_speed)
    if params.missing:
        found["missing"] = Missing()
    if params.lags or params.rolling:
        found["lags"] = Lags(params.mode, params.lags, params.rolling, params.statistics, params.lag_columns, step)
    if params.neighbours:
        found["neighbours"] = Neighbours(
            params.mode,
            params.neighbours,
            params.neighbour_windows,
            params.neighbour_power,
            params.horizon,
            params.climatology,
            step,
        )
    return found


def _stations(inputs: Any) -> pd.DataFrame:
    """Return inputs as the table of stations that they must be, with rows numbered from 0."""
    if not isinstance(inputs, pd.DataFrame):
        raise DataError(f"{NAME} works on tables of stations, found {type(inputs).__name__}")
    lacking = [name for name in ROLES if name not in inputs]
    if lacking:
        raise DataError(f"{NAME} works on tables of stations, this one has no {listed(lacking)}")
    if inputs[TIME].isna().any():
        raise DataError(f"{NAME}: {int(inputs[TIME].isna().sum())} rows have no time; drop them")
    return inputs.reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    table = pd.read_parquet(path)
    return table.astype({name: object for name in (PLACE, REGION) if name in table})
