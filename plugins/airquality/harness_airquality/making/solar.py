"""Where the sun stood: it drives mixing, photochemistry and the season.

Equations of the NOAA Global Monitoring Laboratory, "General Solar Position Calculations",
https://gml.noaa.gov/grad/solcalc/solareqns.PDF (after Spencer 1971).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness_airquality.making.kind import DAY, Floats, Kind, names
from harness_airquality.stations import LATITUDE, LONGITUDE, TIME

SUNRISE = np.radians(90.833)
"""Zenith of the sun when its upper limb is seen at the horizon, through air."""


class Solar(Kind):
    """Declination and elevation (degrees) and day length (hours).

    The elevation is that at the row's time, or at solar noon where the step is a day or more. It and the day length
    are missing where the place's coordinates are.

    Parameters
    ----------
    step : str
        The table's time step.
    utc_offset : float
        Hours that the table's clock is ahead of UTC.
    """

    def __init__(self, step: str = "1D", utc_offset: float = 0.0) -> None:
        self.step = step
        self.utc_offset = utc_offset

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the new columns (n, 3) of rows (n, m)."""
        latitude = np.radians(X[LATITUDE].to_numpy(np.float64))
        daily = pd.Timedelta(self.step) >= DAY
        time = X[TIME].dt
        hour = ((X[TIME] - time.floor("D")) / pd.Timedelta("1h")).to_numpy(np.float64)
        year = np.where(time.is_leap_year, 366, 365)
        turn = 2 * np.pi / year * (time.day_of_year.to_numpy() - 1 + (0.0 if daily else (hour - 12) / 24))
        tilt = declination(turn)
        if daily:
            angle = np.zeros(len(X))
        else:
            longitude = X[LONGITUDE].to_numpy(np.float64)
            minutes = 60 * hour + equation_of_time(turn) + 4 * longitude - 60 * self.utc_offset
            angle = np.radians(minutes / 4 - 180)
        return self.framed(np.array([np.degrees(tilt), elevation(latitude, tilt, angle), day_length(latitude, tilt)]))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of the new columns, in order."""
        return names(["solar_declination", "solar_elevation", "solar_day_length"])


def equation_of_time(turn: Floats) -> Floats:
    """Return the minutes that a sundial is ahead of a clock; `turn` is the fraction of the year in radians."""
    return 229.18 * (
        0.000075
        + 0.001868 * np.cos(turn)
        - 0.032077 * np.sin(turn)
        - 0.014615 * np.cos(2 * turn)
        - 0.040849 * np.sin(2 * turn)
    )


def declination(turn: Floats) -> Floats:
    """Return the sun's declination in radians; `turn` is the fraction of the year in radians."""
    return (
        0.006918
        - 0.399912 * np.cos(turn)
        + 0.070257 * np.sin(turn)
        - 0.006758 * np.cos(2 * turn)
        + 0.000907 * np.sin(2 * turn)
        - 0.002697 * np.cos(3 * turn)
        + 0.00148 * np.sin(3 * turn)
    )


def elevation(latitude: Floats, tilt: Floats, angle: Floats) -> Floats:
    """Return the sun's height above the horizon in degrees; arguments in radians, the hour angle 0 at solar noon."""
    height = np.sin(latitude) * np.sin(tilt) + np.cos(latitude) * np.cos(tilt) * np.cos(angle)
    angles: Floats = np.degrees(np.arcsin(np.clip(height, -1.0, 1.0)))
    return angles


def day_length(latitude: Floats, tilt: Floats) -> Floats:
    """Return the hours from sunrise to sunset, 0 and 24 in polar night and day; arguments in radians."""
    cosine = np.cos(SUNRISE) / (np.cos(latitude) * np.cos(tilt)) - np.tan(latitude) * np.tan(tilt)
    hours: Floats = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))) * 2 / 15
    return hours
