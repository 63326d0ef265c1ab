"""The data source ``airquality.stations``: measurements of stations from CSV or Parquet, roles declared in TOML.

Another table of stations needs a competition file and nothing else. Nothing heavy is imported until a table is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.data import LOWER, POINT, UPPER, Dataset, DatasetInfo, Examples, Predictions, TaskType, digest_files
from harness.errors import ConfigError, listed
from harness.offers import DataRequest, DatasetSource
from harness.params import as_json, param
from harness_airquality.stations import LATITUDE, LONGITUDE, PLACE, REGION, TIME

if TYPE_CHECKING:
    import pandas as pd

READER = "airquality.stations 1"
"""Part of every digest: a change in how files are read makes other data of the same bytes."""


@dataclass(frozen=True)
class ColumnRoles:
    """Roles as `harness.tabular` asks for them."""

    id: str = ""
    target: str = ""
    categorical: tuple[str, ...] = ()
    meta: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    separator: str = ","
    encoding: str = ""


@dataclass(frozen=True)
class StationsParams:
    """Roles of a table's columns, policies and files. File names may be patterns within the data's folder."""

    target: str = param("pm2_5", "column to predict")
    id: str = param("", "column that names a row, kept as text; empty: the row's number")
    place: str = param("", "column that names the station; empty: there is one")
    station: str = param("station", "name of the only station, where no column names it")
    time: str | tuple[str, ...] = param(
        "date", "column of dates or times; several: date, hour, ..., or year, month, day, hour, ..."
    )
    time_format: str = param("", "how times are written ('%d/%m/%Y'); empty: ISO 8601")
    time_zone: str = param(
        "", "zone of times without an offset, to which others are converted; empty: as written, or UTC with offsets"
    )
    latitude: str | float = param("", "column of degrees north, or the only station's; empty: unknown")
    longitude: str | float = param("", "column of degrees east, or the only station's; empty: unknown")
    region: str = param("", "column that names the city or region")
    country: str = param("", "column that names the country")
    keep: tuple[str, ...] = param((), "columns of time that are inputs too: hour, month")
    categorical: tuple[str, ...] = param((), "columns of numeric codes that are categories; text always is")
    drop: tuple[str, ...] = param((), "columns to leave out, as those that only the training rows have")
    missing: tuple[str, ...] = param((), "texts that mean a missing value, besides the usual ones")
    separator: str = param(",", "between the values of a CSV")
    step: str = param("1D", "time between two measurements of a station: 1D, 1h")
    unit: str = param("ug/m3", "of the target")
    negative_target: Literal["refuse", "drop", "keep"] = param("refuse", "training rows whose target is below zero")
    missing_target: Literal["refuse", "drop"] = param("refuse", "training rows without a target")
    duplicates: Literal["refuse", "mean", "first"] = param("refuse", "training rows of the same place and time")
    train: str = param("train.*", "files of the training rows; several are joined")
    validation: str = param("", "files of a labelled set that resembles the test; never trained on")
    test: str = param("", "files of the rows to predict")
    sample_submission: str = param("", "the competition's own sample file")
    valid_from: str = param("", "date from which training rows are the validation set instead")
    test_from: str = param("", "date from which training rows are the test set instead, without their targets")
    simulate: int = param(0, "instead of files: number of simulated training stations; 0: read files", low=0)
    simulate_unseen: int = param(15, "simulated stations that are only predicted", low=1)
    simulate_days: int = param(120, "simulated days", low=2)
    simulate_seed: int = param(0, "seed of the simulation", low=0)

    @property
    def times(self) -> tuple[str, ...]:
        """Columns of time, one or several."""
        return (self.time,) if isinstance(self.time, str) else self.time

    @property
    def roles(self) -> ColumnRoles:
        """What reading a file needs to know."""
        return ColumnRoles(self.id, self.target, self.categorical, (), self.drop, self.missing, self.separator)

    @property
    def bare_roles(self) -> ColumnRoles:
        """What typing covariates needs to know: all other columns are away by then."""
        return ColumnRoles(categorical=tuple(name for name in self.categorical if name not in self.drop))


def load(params: StationsParams, request: DataRequest) -> Dataset:
    """Read a table of stations: training rows, and validation and test rows from files or by date.

    Inputs are DataFrames that begin with the columns of `harness_airquality.stations.ROLES`; covariates follow, numbers
    as float64 with NaN where missing, categories with text levels in an order fixed by the training rows. What a policy
    did is counted in the notes.

    Raises
    ------
    HarnessError
        In one line, naming file, column and rows.
    """
    from harness_airquality.reading.assemble import assemble
    from harness_airquality.reading.tables import read_tables

    _check(params, request)
    tables = read_tables(params, request)
    done = assemble(tables.parts, params)
    info = DatasetInfo(
        name=request.competition,
        task_type=request.task_type,
        columns=done.columns,
        variant=request.variant,
        simulated=tables.simulated,
        notes=(*tables.notes, *done.notes),
        roles=_roles(params),
        extra={
            "step": params.step,
            "unit": params.unit,
            "target": params.target,
            "zone": done.zone,
            "levels": {name: list(levels) for name, levels in done.levels.items()},
        },
    )
    return Dataset(
        info=info,
        train=done.parts["train"],
        valid=done.parts.get("valid"),
        test=done.parts.get("test"),
        digest=digest_files(tables.paths, READER, request.task_type, json.dumps(as_json(params)), *tables.facts),
        sample_submission=tables.sample,
    )


def read_new(params: StationsParams, path: Path, info: DatasetInfo) -> Examples:
    """Read new rows to predict: the columns of the training rows; id, region and country may lack.

    A place that was never seen is fine, as is a target or another column that is declared under ``drop``.

    Raises
    ------
    HarnessError
        If the file cannot be read or its columns are not those of `info`.
    """
    from harness_airquality.reading.assemble import examples_of, locate_new
    from harness_airquality.reading.covariates import schema_from
    from harness_airquality.reading.doubles import settle_doubles
    from harness_airquality.reading.parts import read_part
    from harness_airquality.reading.times import same_zone

    texts = [column.name for column in info.columns if column.kind == "category"]
    located = locate_new(read_part((path,), params, texts), params)
    same_zone({"the training data": info.extra.get("zone", ""), path.name: located.zone})
    examples = examples_of(located, params, schema_from(info.columns, info.extra.get("levels", {})))
    return settle_doubles(examples, params.duplicates, path.name)[0]


def table_new(params: StationsParams, examples: Examples, predictions: Predictions) -> pd.DataFrame:
    """Return predictions of new rows as a table for people and dashboards.

    Returns
    -------
    DataFrame
        Id (where the data has one), City (the region, else the place), place (where it is not the City), Date (ISO
        8601, without a time of day where all are midnight), latitude and longitude (where there are any), prediction,
        and lower and upper where there is an interval.
    """
    import pandas as pd

    inputs = examples.inputs
    region, times = inputs[REGION], inputs[TIME]
    whole_days = bool((times == times.dt.normalize()).all())
    table: dict[str, Any] = {params.id: examples.ids} if params.id else {}
    table["City"] = region.where(region != "", inputs[PLACE]).to_numpy(dtype=object)
    if (table["City"] != inputs[PLACE].to_numpy(dtype=object)).any():
        table[PLACE] = inputs[PLACE].to_numpy(dtype=object)
    table["Date"] = times.dt.strftime("%Y-%m-%d" if whole_days else "%Y-%m-%dT%H:%M:%S").to_numpy(dtype=object)
    for name in (LATITUDE, LONGITUDE):
        if inputs[name].notna().any():
            table[name] = inputs[name].to_numpy()
    names = {POINT: "prediction", LOWER: LOWER, UPPER: UPPER}
    table |= {names[name]: predictions.values[:, at] for at, name in enumerate(predictions.columns) if name in names}
    return pd.DataFrame(table)


def _roles(params: StationsParams) -> dict[str, str]:
    declared = {
        "group": (PLACE, bool(params.place)),
        "time": (TIME, True),
        "latitude": (LATITUDE, params.latitude != ""),
        "longitude": (LONGITUDE, params.longitude != ""),
        "region": (REGION, bool(params.region)),
    }
    return {role: name for role, (name, there) in declared.items() if there}


def _check(params: StationsParams, request: DataRequest) -> None:
    """Refuse parameters that contradict each other, before a long read."""
    import pandas as pd

    if request.task_type is not TaskType.REGRESSION:
        raise ConfigError(f"{request.competition}: airquality.stations reads a regression, found {request.task_type}")
    if not params.times or not all(params.times):
        raise ConfigError("data: time names no column; expected one, or several as ['date', 'hour']")
    if (params.latitude == "") != (params.longitude == ""):
        raise ConfigError("data: latitude and longitude go together; one of them is not declared")
    strange = sorted({*params.keep} - {*params.times})
    if strange:
        raise ConfigError(f"data: keep = {list(params.keep)}: {listed(strange)} is no column of time")
    if params.valid_from and params.test_from and params.valid_from >= params.test_from:
        raise ConfigError(f"data: valid_from = {params.valid_from!r} must be before test_from = {params.test_from!r}")
    try:
        pd.Timedelta(params.step)
    except ValueError:
        raise ConfigError(f"data: step = {params.step!r}: expected a duration as '1D' or '1h'") from None


def datasets() -> Iterable[DatasetSource]:
    """Yield the plugin's data sources."""
    yield DatasetSource(
        "airquality.stations",
        "PM2.5 of stations from CSV or Parquet: places, times, coordinates, covariates",
        StationsParams,
        load,
        read_new,
        table_new,
    )
