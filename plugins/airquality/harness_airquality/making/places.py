"""Where and when training rows have targets: a grid of steps and places, and what a place sees of the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness_airquality.making.kind import Floats, Ints, steps
from harness_airquality.stations import LATITUDE, LONGITUDE, PLACE, REGION

RADIUS = 6371.0088
"""Mean radius of the earth in km (IUGG)."""
TARGET = "target"
"""Column of the training rows' targets, beside their roles."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Training targets by time step and place, with empty steps before and after.

    Attributes
    ----------
    targets : (t, p) float64
        Mean where a place has several rows in a step, NaN where it has none.
    months : (t,) int64
        Of the step's begin.
    first : int
        The number of the first step.
    places, regions : (p,) object
    latitudes, longitudes : (p,) float64
        In degrees.
    """

    targets: Floats
    months: Ints
    first: int
    places: NDArray[np.object_]
    regions: NDArray[np.object_]
    latitudes: Floats
    longitudes: Floats

    @classmethod
    def of(cls, rows: pd.DataFrame, step: str, margin: int) -> Grid:
        """Lay out training rows, sorted by place and time, with so many empty steps on either side."""
        number = steps(rows, step)
        first = (int(number.min()) if len(number) else 0) - margin
        length = (int(number.max()) if len(number) else 0) + margin + 1 - first
        codes, places = pd.factorize(rows[PLACE])
        cells = (number - first) * len(places) + codes
        size = length * len(places)
        counts = np.bincount(cells, minlength=size)
        sums = np.bincount(cells, rows[TARGET].to_numpy(), minlength=size)
        targets = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).reshape(length, len(places))
        begins = pd.to_datetime((first + np.arange(length)) * pd.Timedelta(step).as_unit("ns").value)
        facts = rows.groupby(codes)[[REGION, LATITUDE, LONGITUDE]].first()
        return cls(
            targets,
            begins.month.to_numpy(np.int64),
            first,
            np.asarray(places, dtype=object),
            facts[REGION].to_numpy(object),
            facts[LATITUDE].to_numpy(np.float64),
            facts[LONGITUDE].to_numpy(np.float64),
        )

    def positions(self, number: Ints) -> Ints:
        """Return where steps stand in the grid; those far outside stand at its empty ends."""
        return np.clip(number - self.first, 0, len(self.targets) - 1)


@dataclass(frozen=True, eq=False)
class Site:
    """What one place sees of the others.

    Attributes
    ----------
    near : (k,) int64
        Other places with coordinates, nearest first.
    distances : (k,) float64
        How far they are, in km.
    region : (r,) int64
        Other places of the same region.
    """

    near: Ints
    distances: Floats
    region: Ints


def sites(table: pd.DataFrame, grid: Grid) -> Iterator[tuple[Site, Ints]]:
    """Yield each place of a table with the positions of its rows; a place that moved is as many places."""
    keys = [PLACE, LATITUDE, LONGITUDE, REGION]
    groups = table.groupby(keys, dropna=False).ngroup().to_numpy()
    order = np.argsort(groups, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(rows):
            place, latitude, longitude, region = (table[key].iloc[int(rows[0])] for key in keys)
            others = grid.places != place
            distances = haversine(latitude, longitude, grid.latitudes, grid.longitudes)
            far = np.argsort(distances, kind="stable")  # NaN last
            near = far[others[far] & ~np.isnan(distances[far])]
            yield Site(near, distances[near], np.flatnonzero(others & (grid.regions == region))), rows


def haversine(latitude: float, longitude: float, latitudes: Floats, longitudes: Floats) -> Floats:
    """Return great-circle distances in km from one point to others, given in degrees.

    Examples
    --------
    >>> haversine(0.0, 0.0, np.array([0.0]), np.array([180.0])).round().tolist()
    [20015.0]
    """
    one, others = np.radians(latitude), np.radians(latitudes)
    turn = np.radians(longitudes - longitude)
    chord = np.sin((others - one) / 2) ** 2 + np.cos(one) * np.cos(others) * np.sin(turn / 2) ** 2
    distance: Floats = 2 * RADIUS * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
    return distance
