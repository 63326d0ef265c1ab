"""What other places measured: the targets of training rows, near in space and time, never of the row's own place.

A training row's own place is left out exactly as a place that is held out would be, so that a model learns from its
neighbours what it will have of them where there is nothing else. `fit` sees the training rows of one fold only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import DataError
from harness_airquality.making.kind import Floats, Ints, Kind, names, steps
from harness_airquality.making.places import TARGET, Grid, Site, sites
from harness_airquality.stations import PLACE, ROLES, TIME

NEAREST = 0.1
"""Distances below this many km count as this many: a sensor on the same roof has no infinite weight."""
BLOCK = 1 << 22
"""Values held at once for one place's rows."""


class Neighbours(Kind):
    """Means of the targets at other places around a row's time step.

    For each window w, and of the places that have a target in it:

    - ``near_mean_w``: mean over the `nearest` places, weighted by distance to the minus `power`
    - ``near_distance_w``: km to the nearest of them; ``near_count_w``: how many places have coordinates and a target
    - ``region_mean_w``, ``region_median_w``: over the places of the row's region

    To reconstruct, a place counts with its mean over the steps from w before to w after the row's. To forecast, it
    counts with its latest value among the steps from `horizon` + w to `horizon` before. With `climatology`,
    ``region_month_mean`` is the mean of the region's other places in the row's month, of any year, and
    ``region_month_median`` their median; to forecast the mean only, over rows at least `horizon` steps earlier.

    Parameters
    ----------
    mode : str
        ``reconstruct`` or ``forecast``.
    nearest : int
        How many places `near_mean` has.
    windows : tuple of int
        Steps.
    power : float
    horizon : int
        Steps.
    climatology : bool
    step : str
        The table's time step.
    """

    def __init__(
        self,
        mode: str = "reconstruct",
        nearest: int = 5,
        windows: tuple[int, ...] = (0, 1, 3, 7),
        power: float = 1.0,
        horizon: int = 1,
        climatology: bool = True,
        step: str = "1D",
    ) -> None:
        self.mode = mode
        self.nearest = nearest
        self.windows = windows
        self.power = power
        self.horizon = horizon
        self.climatology = climatology
        self.step = step

    def fit(self, X: pd.DataFrame, y: Any = None) -> Neighbours:
        """Remember where and when the training rows have which targets.

        Parameters
        ----------
        X : (n, m) DataFrame
        y : (n,) float64
            A missing one is left out.

        Raises
        ------
        DataError
            If there are no targets.
        """
        if y is None:
            raise DataError("airquality.features: neighbours need the targets of the training rows; set neighbours = 0")
        rows = X[list(ROLES)].assign(**{TARGET: np.asarray(y, dtype=np.float64)})
        self.rows_ = rows[np.isfinite(rows[TARGET])].sort_values([PLACE, TIME], ignore_index=True)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the new columns (n, k) of rows (n, m); a training row's own place is left out here too."""
        made = np.full((len(self.get_feature_names_out()), len(X)), np.nan)
        margin = 2 * max(self.windows, default=0) + self.horizon + 1  # a window that just misses the targets fits in
        grid = Grid.of(self.rows_, self.step, margin)
        at = grid.positions(steps(X, self.step))
        found = list(sites(X, grid))
        for index, window in enumerate(self.windows):
            values = self._around(grid.targets, window)
            for site, rows in found:
                for block in np.array_split(rows, 1 + rows.size * values.shape[1] // BLOCK):
                    made[5 * index : 5 * index + 5, block] = self._of_others(site, values[at[block]])
        if self.climatology:
            months = X[TIME].dt.month.to_numpy()
            for site, rows in found:
                made[5 * len(self.windows) :, rows] = self._of_month(site, grid, months[rows], at[rows])
        return self.framed(made)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of the new columns, in order."""
        parts = ("near_mean", "near_distance", "near_count", "region_mean", "region_median")
        monthly = ["region_month_mean", *(["region_month_median"] if self.mode == "reconstruct" else [])]
        return names([f"{part}_{window}" for window in self.windows for part in parts] + monthly * self.climatology)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the training rows: place, time, coordinates, region, target."""
        return {"targets": self.rows_}

    def restore(self, state: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> None:  # noqa: ARG002
        """Take back what `tables` returned."""
        self.rows_ = tables["targets"]

    def _around(self, targets: Floats, window: int) -> Floats:
        """Return what each place counts with (steps, places) at each step; missing where it has no value."""
        if self.mode == "forecast":
            found = np.full_like(targets, np.nan)
            for back in range(self.horizon, self.horizon + window + 1):  # the latest first
                found[back:] = np.where(np.isnan(found[back:]), targets[: len(targets) - back], found[back:])
            return found
        known = ~np.isnan(targets)
        total, count = np.zeros_like(targets), np.zeros_like(targets)
        inner = slice(window, len(targets) - window)
        for shift in range(-window, window + 1):
            moved = slice(window + shift, len(targets) - window + shift)
            total[inner] += np.where(known[moved], targets[moved], 0.0)
            count[inner] += known[moved]
        return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)

    def _of_others(self, site: Site, values: Floats) -> Floats:
        """Return the five features (5, n) of rows of one place, from what all places count with (n, places)."""
        near = values[:, site.near]
        known = ~np.isnan(near)
        chosen = known & (np.cumsum(known, axis=1) <= self.nearest)
        weights = np.where(chosen, np.maximum(site.distances, NEAREST) ** -self.power, 0.0)
        total = weights.sum(axis=1)
        weighted = (weights * np.where(chosen, near, 0.0)).sum(axis=1)
        found = total > 0
        mean = np.where(found, weighted / np.where(found, total, 1.0), np.nan)
        distance = np.where(known, site.distances, np.inf).min(axis=1, initial=np.inf)
        region = values[:, site.region]
        return np.array(
            [
                mean,
                np.where(np.isfinite(distance), distance, np.nan),
                known.sum(axis=1),
                _mean(region),
                _median(region),
            ]
        )

    def _of_month(self, site: Site, grid: Grid, months: Ints, at: Ints) -> Floats:
        """Return the region's level (k, n) in the month of each of a place's rows."""
        targets = grid.targets[:, site.region]
        made = np.full((1 if self.mode == "forecast" else 2, len(months)), np.nan)
        for month in np.unique(months):
            rows = months == month
            if self.mode == "forecast":
                sums = np.where(np.isnan(targets), 0.0, targets).sum(axis=1) * (grid.months == month)
                counts = (~np.isnan(targets)).sum(axis=1) * (grid.months == month)
                until = np.maximum(at[rows] - self.horizon, 0)
                total, count = np.cumsum(sums)[until], np.cumsum(counts)[until]
                made[0, rows] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
            else:
                values = targets[grid.months == month].reshape(1, -1)
                made[:, rows] = [_mean(values), _median(values)]
        return made


def _mean(values: Floats) -> Floats:
    """Return the means of rows (n,), missing where a row has no value."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _median(values: Floats) -> Floats:
    """Return the medians of rows (n,), missing where a row has no value."""
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)  # NaN last
    count = (~np.isnan(values)).sum(axis=1)
    rows = np.arange(len(values))
    lower = ordered[rows, np.maximum(count - 1, 0) // 2]
    upper = ordered[rows, np.minimum(count // 2, values.shape[1] - 1)]
    middle: Floats = (lower + upper) / 2
    return middle
