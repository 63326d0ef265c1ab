"""Where a row was measured: station, coordinates, region, country."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.errors import DataError, listed
from harness.tabular.columns import as_text
from harness_airquality.stations import COUNTRY, LATITUDE, LONGITUDE, PLACE, REGION, TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_airquality.reading.parts import Part
    from harness_airquality.source import StationsParams

    Floats = NDArray[np.float64]

LIMITS = {LATITUDE: 90.0, LONGITUDE: 180.0}


def read_places(part: Part, params: StationsParams, optional: bool = False) -> pd.DataFrame:
    """Read where a part's rows are.

    Parameters
    ----------
    optional : bool
        Whether columns of region and country may lack.

    Returns
    -------
    DataFrame
        (n, 4 or 5) place, latitude, longitude (degrees), region, and country where declared.

    Raises
    ------
    DataError
        Naming the rows without a place, or whose coordinates are no place on the globe.
    """
    keys = {PLACE: _place(part, params)}
    for role, source in ((LATITUDE, params.latitude), (LONGITUDE, params.longitude)):
        keys[role] = _degrees(part, source, role)
    _refuse_outside(part, keys[LATITUDE].to_numpy(), keys[LONGITUDE].to_numpy())
    for role, name in ((REGION, params.region), (COUNTRY, params.country)):
        if name and (name in part.frame or not optional):
            keys[role] = _text(part.column(name, role)).fillna("")
        elif role == REGION or name:
            keys[role] = pd.Series([""] * len(part), dtype=object)
    return pd.DataFrame(keys)


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    texts = [None if value is None else value.strip() or None for value in as_text(values).astype(object)]
    return pd.Series(texts, dtype=object)


def _place(part: Part, params: StationsParams) -> pd.Series[Any]:
    if not params.place:
        return pd.Series([params.station] * len(part), dtype=object)
    places = _text(part.column(params.place, "place"))
    absent = places.isna().to_numpy()
    if absent.any():
        raise DataError(
            f"{part.where}: {params.place!r} (place) is missing in {int(absent.sum())} rows: {part.rows(absent)};"
            " name their station or remove them"
        )
    return places


def _degrees(part: Part, source: str | float, role: str) -> pd.Series[Any]:
    if not isinstance(source, str) or not source:
        return pd.Series(np.full(len(part), source if source != "" else np.nan, dtype=np.float64))
    values = part.column(source, role)
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    strange = (numbers.isna() & values.notna()).to_numpy()
    if strange.any():
        raise DataError(
            f"{part.where}: {source!r} ({role}) is no number in {int(strange.sum())} rows: {part.rows(strange)};"
            f" the first is {values[strange].iloc[0]!r}, expected decimal degrees as -1.2921"
        )
    return numbers


def _refuse_outside(part: Part, latitude: Floats, longitude: Floats) -> None:
    outside = (np.abs(latitude) > LIMITS[LATITUDE]) | (np.abs(longitude) > LIMITS[LONGITUDE])
    if not outside.any():
        return
    swapped = (np.abs(latitude) <= LIMITS[LONGITUDE]) & (np.abs(longitude) <= LIMITS[LATITUDE])
    first = int(np.flatnonzero(outside)[0])
    if swapped[outside].all():
        hint = "; latitude and longitude look swapped"
    elif (np.abs(latitude) <= LIMITS[LATITUDE])[outside].all() and (longitude[outside] <= 360).all():
        hint = "; longitudes of 0 to 360: subtract 360 from those above 180"
    else:
        hint = "; mend them, or make unknown ones empty"
    raise DataError(
        f"{part.where}: {int(outside.sum())} rows lie outside the globe: {part.rows(outside)}; the first has latitude"
        f" {latitude[first]:g}, longitude {longitude[first]:g}, expected -90 to 90 and -180 to 180{hint}"
    )


def complete_coordinates(parts: Sequence[pd.DataFrame]) -> tuple[list[pd.DataFrame], list[str]]:
    """Give rows without coordinates those that their place has elsewhere, and tell of places that have none or several.

    Parameters
    ----------
    parts : sequence of DataFrame
        As `read_places` returns them: train, valid, test.
    """
    rows = pd.concat([part[[PLACE, LATITUDE, LONGITUDE]] for part in parts], ignore_index=True)
    notes: list[str] = []
    lacking = rows[[LATITUDE, LONGITUDE]].isna().any(axis=1)
    if lacking.all():  # nobody declared any
        return list(parts), notes
    whole = rows[~lacking].drop_duplicates()
    moving = whole[PLACE][whole[PLACE].duplicated()].unique()
    if len(moving):
        notes.append(f"{len(moving)} places have several coordinates, kept as they are: {listed(moving, 3)}")
    if not lacking.any():
        return list(parts), notes
    known = whole.drop_duplicates(PLACE).set_index(PLACE)
    filled = [_filled(part, known) for part in parts]
    still = pd.concat([part.loc[part[LATITUDE].isna(), PLACE] for part in filled])
    gained = int(lacking.sum()) - len(still)
    if gained:
        notes.append(f"{gained:,} rows without coordinates have those of their place's other rows")
    if len(still):
        names = still.unique()
        notes.append(f"{len(names)} places ({len(still):,} rows) have no coordinates at all: {listed(names, 3)}")
    return filled, notes


def _filled(part: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    lacking = part[[LATITUDE, LONGITUDE]].isna().any(axis=1)
    found = known.reindex(part.loc[lacking, PLACE])
    out = part.copy()
    for role in (LATITUDE, LONGITUDE):
        out.loc[lacking, role] = found[role].to_numpy()
    return out


def tell_unseen(train: pd.DataFrame, test: pd.DataFrame) -> list[str]:
    """Tell how many places of the test rows have no training row, and how many test rows are training rows too."""
    notes = []
    seen, asked = set(train[PLACE]), set(test[PLACE])
    if asked - seen:
        notes.append(f"{len(asked - seen)} of {len(asked)} test places have no training row")
    both = test.merge(train, on=[PLACE, TIME], how="inner")
    if len(both):
        notes.append(f"{len(both):,} test rows have the place and time of a training row")
    return notes
