"""When a row was measured, on circles: hour, weekday, day of year, month."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness_airquality.making.kind import DAY, Floats, Kind, names
from harness_airquality.stations import TIME

SATURDAY = 5


class Calendar(Kind):
    """Sine and cosine of the hour, weekday, day of year and month, so that December is next to January; weekends.

    Parameters
    ----------
    step : str
        The table's time step; the hour is left out where it is a day or more.
    """

    def __init__(self, step: str = "1D") -> None:
        self.step = step

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the new columns (n, k) of rows (n, m)."""
        time = X[TIME].dt
        hour = (X[TIME] - time.floor("D")) / pd.Timedelta("1h")
        turns = {
            "hour": hour / 24,
            "weekday": time.day_of_week / 7,
            "yearday": (time.day_of_year - 1) / np.where(time.is_leap_year, 366, 365),
            "month": (time.month - 1) / 12,
        }
        columns: list[Floats] = []
        for name in self._circles():
            angle = 2 * np.pi * turns[name].to_numpy(np.float64)
            columns += [np.sin(angle), np.cos(angle)]
        return self.framed(np.array([*columns, (time.day_of_week >= SATURDAY).to_numpy(np.float64)]))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of the new columns, in order."""
        return names([*(f"{name}_{part}" for name in self._circles() for part in ("sin", "cos")), "weekend"])

    def _circles(self) -> list[str]:
        return [*(["hour"] if pd.Timedelta(self.step) < DAY else []), "weekday", "yearday", "month"]
