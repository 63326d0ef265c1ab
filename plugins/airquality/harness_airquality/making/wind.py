"""Wind as what disperses smoke (speed) and where it comes from (a direction on a circle)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import DataError, nearest
from harness_airquality.making.kind import Floats, Kind, names

POINTS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
CALM = ("CV", "CALM", "VARIABLE", "VRB")
"""Texts of a direction that is none; it then is the middle of the circle."""


class Wind(Kind):
    """Sine and cosine of the direction the wind blows from, and the speed or the components that are not given.

    North is sine 0 and cosine 1, east sine 1 and cosine 0; calm and variable winds are 0 and 0.

    Parameters
    ----------
    u, v : str
        Columns of the wind towards the east and the north; speed is made of them.
    blows_from : str
        Instead of them, the column of the direction: degrees clockwise from north, or compass points as categories.
    speed : str
        With `blows_from`, the column of the speed; u and v are made of them.
    """

    def __init__(self, u: str = "", v: str = "", blows_from: str = "", speed: str = "") -> None:
        self.u = u
        self.v = v
        self.blows_from = blows_from
        self.speed = speed

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the new columns (n, k) of rows (n, m).

        Raises
        ------
        DataError
            If a column is missing, or a component is not a number.
        """
        if self.u:
            u, v = self._number(X, self.u), self._number(X, self.v)
            speed = np.hypot(u, v)
            blowing = np.where(speed == 0, 1.0, speed)  # of a calm, direction is 0 and 0
            return self.framed(np.array([-u / blowing, -v / blowing, speed]) + 0.0)
        sine, cosine = directions(self._column(X, self.blows_from))
        if not self.speed:
            return self.framed(np.array([sine, cosine]))
        speed = self._number(X, self.speed)
        return self.framed(np.array([sine, cosine, -speed * sine, -speed * cosine]) + 0.0)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of the new columns, in order."""
        others = ["wind_speed"] if self.u else ["wind_u", "wind_v"] if self.speed else []
        return names(["wind_from_sin", "wind_from_cos", *others])

    def _number(self, table: pd.DataFrame, name: str) -> Floats:
        column = self._column(table, name)
        if not pd.api.types.is_numeric_dtype(column.dtype):
            raise DataError(f"airquality.features: column {name!r} holds categories, expected numbers of the wind")
        return column.to_numpy(np.float64)

    def _column(self, table: pd.DataFrame, name: str) -> pd.Series:
        if name not in table:
            raise DataError(f"airquality.features: no column {name!r} of the wind{nearest(name, map(str, table))}")
        return table[name]


def directions(blows_from: pd.Series) -> tuple[Floats, Floats]:
    """Return sine and cosine (n,) of directions; calm is 0 and 0, what is no direction is missing.

    Examples
    --------
    >>> sine, cosine = directions(pd.Series(["E", "sw", "cv"]))
    >>> sine.round(3).tolist(), cosine.round(3).tolist()
    ([1.0, -0.707, 0.0], [0.0, -0.707, 0.0])
    """
    if pd.api.types.is_numeric_dtype(blows_from.dtype):
        angle = np.radians(blows_from.to_numpy(np.float64))
        return np.sin(angle), np.cos(angle)
    texts = blows_from.astype(object).map(lambda text: text.strip().upper(), na_action="ignore")
    known = {point: 2 * np.pi * turn / len(POINTS) for turn, point in enumerate(POINTS)}
    angle = texts.map(known).to_numpy(np.float64)
    calm = texts.isin(CALM).to_numpy()
    return np.where(calm, 0.0, np.sin(angle)), np.where(calm, 0.0, np.cos(angle))
