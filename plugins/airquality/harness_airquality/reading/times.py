"""When a row was measured: one or several columns to one naive time in one zone; never a silent NaT."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api import types

from harness.errors import ConfigError, DataError, listed, nearest
from harness.tabular.columns import as_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_airquality.reading.parts import Part
    from harness_airquality.source import StationsParams

OFFSET = r"(?:[T ]\d{1,2}(?::?\d{2}){0,2}(?:[.,]\d+)?\s*)(Z|z|[+-]\d{2}(?::?\d{2})?)$"
"""An offset after a time of day; the end of a bare date is none."""
YEARS = (1800, 2200)
UNITS = ("hour", "minute", "second")
MOST = {"hour": 24, "minute": 59, "second": 60}


@dataclass(frozen=True, eq=False)
class Times:
    """Times of rows.

    Attributes
    ----------
    values : (n,) datetime64[ns]
        Naive, never missing.
    zone : str
        The zone they are in; empty where neither files nor parameters say.
    """

    values: pd.Series[Any]
    zone: str
    notes: tuple[str, ...] = ()


def read_times(part: Part, params: StationsParams) -> Times:
    """Read a part's times.

    One column holds dates or times; the first of several may be followed by hours (number, or text as ``13:30``),
    minutes, seconds; three and more that begin with a year are year, month, day, hour, minute, second. Hour 24 is 0 of
    the next day. Times with an offset are converted to `StationsParams.time_zone`, or UTC; others are taken as they
    are.

    Raises
    ------
    DataError
        Naming the rows whose time is missing or cannot be read, or where some have an offset and others not.
    """
    check_zone(params.time_zone)
    columns = [part.column(name, "time") for name in params.times]
    notes: tuple[str, ...] = ()
    zone = params.time_zone
    if len(columns) >= 3 and _are_years(columns[0]):
        stamps, later = _from_parts(columns[:3]), columns[3:]
    else:
        stamps, zone, notes = _from_text(part, columns[0], params)
        later = columns[1:]
    for unit, column in zip(UNITS, later, strict=False):
        stamps = stamps + _duration(column, unit)
    _refuse_unread(part, stamps, columns, params)
    return Times(stamps.astype("datetime64[ns]"), zone, notes)


def check_zone(name: str) -> None:
    """Refuse a time zone that nobody knows.

    Raises
    ------
    ConfigError
    """
    if not name:
        return
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"data: time_zone = {name!r}{nearest(name, zoneinfo.available_timezones() | {'UTC'})}"
        ) from None


def _are_years(values: pd.Series[Any]) -> bool:
    numbers = pd.to_numeric(values, errors="coerce")
    return bool(numbers.notna().any() and numbers.dropna().between(*YEARS).all())


def _from_parts(columns: list[pd.Series[Any]]) -> pd.Series[Any]:
    numbers = {
        name: pd.to_numeric(column, errors="coerce")
        for name, column in zip(("year", "month", "day"), columns, strict=True)
    }
    return pd.to_datetime(pd.DataFrame(numbers), errors="coerce")


def _from_text(part: Part, values: pd.Series[Any], params: StationsParams) -> tuple[pd.Series[Any], str, Any]:
    zone = params.time_zone
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert(zone or "UTC").dt.tz_localize(None), zone or "UTC", ()
    if types.is_datetime64_dtype(values.dtype):
        return values, zone, ()
    texts = as_text(values).astype("str").str.strip().where(values.notna())
    style = params.time_format or "ISO8601"
    offsets = texts.str.extract(OFFSET, expand=False)
    aware = offsets.notna().to_numpy() | ("%z" in style)
    if not aware.any():
        return _within(pd.to_datetime(texts, format=style, errors="coerce")), zone, ()
    _refuse_mixed(part, aware, values)
    stamps = pd.to_datetime(texts, format=style, errors="coerce", utc=True).dt.tz_convert(zone or "UTC")
    found = sorted(offsets.dropna().unique())
    notes = [f"times with {len(found)} different offsets ({listed(found)}) are converted to {zone or 'UTC'}"]
    return _within(stamps.dt.tz_localize(None)), zone or "UTC", tuple(notes if len(found) > 1 else ())


def _within(stamps: pd.Series[Any]) -> pd.Series[Any]:
    # beyond, nanoseconds overflow; nobody measured PM2.5 then
    return stamps.where(stamps.dt.year.between(*YEARS))


def _refuse_mixed(part: Part, aware: NDArray[np.bool_], values: pd.Series[Any]) -> None:
    naive = ~aware & values.notna().to_numpy()
    if naive.any() and aware.any():
        few, kind = (naive, "no") if naive.sum() <= aware.sum() else (aware, "an")
        raise DataError(
            f"{part.where}: {values.name!r} mixes times with and without an offset: {int(few.sum())} have {kind}"
            f" offset: {part.rows(few)}; write all of them one way"
        )


def _duration(values: pd.Series[Any], unit: str) -> pd.Series[Any]:
    texts = as_text(values)
    clock = texts.str.contains(":", na=False).to_numpy(dtype=bool) if unit == "hour" else np.zeros(len(texts), bool)
    numbers = pd.to_numeric(texts.where(~clock), errors="coerce")
    numbers = numbers.where(numbers.between(0, MOST[unit]))
    # an hour may have a fraction, and a float of minutes is seldom exact
    out = pd.to_timedelta((numbers * {"hour": 3600, "minute": 60, "second": 1}[unit]).round(3), unit="s")
    if clock.any():
        short = texts[clock].str.count(":") == 1
        out[clock] = pd.to_timedelta(texts[clock] + short.map({True: ":00", False: ""}), errors="coerce")
    return out


def _refuse_unread(part: Part, stamps: pd.Series[Any], columns: list[pd.Series[Any]], params: StationsParams) -> None:
    bad = stamps.isna().to_numpy()
    if not bad.any():
        return
    first = int(np.flatnonzero(bad)[0])
    shown = " ".join("(missing)" if pd.isna(column.iloc[first]) else str(column.iloc[first]) for column in columns)
    wanted = repr(params.time_format) if params.time_format else "ISO 8601 as 2023-06-14 or 2023-06-14T13:00"
    raise DataError(
        f"{part.where}: {listed(params.times)} is no time in {int(bad.sum())} of {len(part)} rows:"
        f" {part.rows(bad)}; the first is {shown!r}, expected {wanted}; mend or remove them, or set time_format"
    )


def same_zone(zones: dict[str, str]) -> str:
    """Return the zone of all parts.

    Parameters
    ----------
    zones : dict of str to str
        By file.

    Raises
    ------
    DataError
        If some files have offsets and others do not, and no `StationsParams.time_zone` says where those are.
    """
    if len(set(zones.values())) > 1:
        told = [f"{where} {'has times with offsets' if zone else 'has none'}" for where, zone in zones.items()]
        raise DataError(f"time zones differ: {listed(told)}; set time_zone to the zone of times without offset")
    return next(iter(zones.values()))
