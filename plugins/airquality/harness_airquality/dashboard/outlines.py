"""Coasts and borders from the package's own copy of Natural Earth, cut to what a map shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST = 3.0
"""Degrees a map spans at least, so that a single city has a coast or a border in sight."""
MARGIN = 0.12


@dataclass(frozen=True)
class Extent:
    """A rectangle in degrees."""

    west: float
    east: float
    south: float
    north: float

    def grown(self, share: float) -> Extent:
        """Return it with a margin of a share of its larger side on every side, within the globe."""
        more = share * max(self.east - self.west, self.north - self.south)
        return Extent(
            max(self.west - more, -180.0),
            min(self.east + more, 180.0),
            max(self.south - more, -90.0),
            min(self.north + more, 90.0),
        )


def extent_of(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> Extent:
    """Return the rectangle a map of these places shows: all of them, a margin, and at least `SMALLEST` degrees.

    Parameters
    ----------
    latitude, longitude : (p,) float64
        Degrees, finite.
    """
    sides = []
    for values in (longitude, latitude):
        middle = (values.min() + values.max()) / 2
        half = max(values.max() - values.min(), SMALLEST) / 2
        sides += [float(middle - half), float(middle + half)]
    return Extent(*sides).grown(MARGIN)


def outlines(extent: Extent) -> tuple[list[float | None], list[float | None]]:
    """Return the borders of countries within a rectangle.

    Returns
    -------
    tuple of two lists
        Longitudes and latitudes, degrees; rings are parted by None.
    """
    longitudes: list[float | None] = []
    latitudes: list[float | None] = []
    for ring in _rings():
        if not _touches(ring, extent):
            continue
        cut = np.round(clipped(ring, extent), 2)
        if len(cut) > 2:
            longitudes += [*cut[:, 0].tolist(), cut[0, 0].item(), None]
            latitudes += [*cut[:, 1].tolist(), cut[0, 1].item(), None]
    return longitudes[:-1], latitudes[:-1]


def clipped(ring: NDArray[np.float64], extent: Extent) -> NDArray[np.float64]:
    """Cut a closed ring, (k, 2), to a rectangle (Sutherland and Hodgman, Reentrant polygon clipping, 1974)."""
    for axis, sign, limit in (
        (0, 1.0, extent.west),
        (0, -1.0, extent.east),
        (1, 1.0, extent.south),
        (1, -1.0, extent.north),
    ):
        if not len(ring):
            break
        before = np.roll(ring, 1, axis=0)
        inside, was = sign * (ring[:, axis] - limit) >= 0, sign * (before[:, axis] - limit) >= 0
        step = ring[:, axis] - before[:, axis]
        crosses = inside != was
        share = np.where(crosses, (limit - before[:, axis]) / np.where(step == 0, 1.0, step), 0.0)
        crossing = before + share[:, None] * (ring - before)
        # a crossing stands before the point it leads to
        both = np.stack([crossing, ring], axis=1).reshape(-1, 2)
        ring = both[np.stack([crosses, inside], axis=1).ravel()]
    return ring


def _touches(ring: NDArray[np.float64], extent: Extent) -> bool:
    (west, south), (east, north) = ring.min(axis=0), ring.max(axis=0)
    return bool(east >= extent.west and west <= extent.east and north >= extent.south and south <= extent.north)


@cache
def _rings() -> tuple[NDArray[np.float64], ...]:
    file = resources.files("harness_airquality.dashboard") / "web" / "outlines.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    arcs = [np.cumsum(np.array(arc).reshape(-1, 2), axis=0) / 100 for arc in stored["arcs"]]
    return tuple(
        np.concatenate([(arcs[index] if index >= 0 else arcs[~index][::-1])[:-1] for index in ring])
        for ring in stored["rings"]
    )
