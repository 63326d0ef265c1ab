"""Where rows were measured: coordinates of meta columns, and distances on the globe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.builtin._splits.columns import column
from harness.data import Examples
from harness.errors import DataError, listed

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from harness.builtin._splits.columns import Codes

    Floats = NDArray[np.float64]

EARTH_KM = 6371.0088
"""Mean radius of the Earth (Moritz, "Geodetic Reference System 1980", J. Geodesy 74, 2000)."""


@dataclass(frozen=True, eq=False)
class Places:
    """The different places of some rows.

    Attributes
    ----------
    points : (m, 2) float64
        Latitude and longitude, degrees; longitudes in [-180, 180).
    of : (n,) int64
        The place of each row.
    """

    points: Floats
    of: Codes


def read_places(examples: Examples, latitude_on: str, longitude_on: str) -> Places:
    """Read each row's place from two meta columns.

    Raises
    ------
    DataError
        If there is no such column, a coordinate is missing, or a place is not on the globe; rows are named.
    """
    import numpy as np
    import pandas as pd

    latitudes = _degrees(examples, "latitude_on", latitude_on, (-90, 90))
    longitudes = _degrees(examples, "longitude_on", longitude_on, (-180, 360))
    # both ends of the date line are one place, and -0.0 is 0.0
    table = pd.DataFrame({"latitude": latitudes + 0.0, "longitude": (longitudes + 180) % 360 - 180})
    of = table.groupby(["latitude", "longitude"], sort=False).ngroup().to_numpy().astype(np.int64)
    return Places(table.drop_duplicates().to_numpy(np.float64), of)


def _degrees(examples: Examples, key: str, name: str, bounds: tuple[int, int]) -> Floats:
    import numpy as np
    import pandas as pd

    values: pd.Series = column(examples, key, name)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    low, high = bounds
    wrong = ~((numbers >= low) & (numbers <= high))
    if wrong.any():
        found = values.to_numpy(dtype=object)[wrong][0]
        raise DataError(
            f"split: {key} = {name!r}: {found!r} and others in {int(wrong.sum())} rows are not on the globe, expected"
            f" degrees in [{low}, {high}]: {listed(examples.ids[wrong])}"
        )
    return numbers


def nearest_place(points: Floats, others: Floats) -> tuple[Floats, Codes]:
    """Find, for each of some places, the nearest of others along the great circle (haversine formula).

    Parameters
    ----------
    points : (m, 2) float64
        Latitude and longitude, degrees.
    others : (k, 2) float64
        At least one.

    Returns
    -------
    km : (m,) float64
    which : (m,) int64
        Positions into `others`.

    Examples
    --------
    >>> import numpy as np
    >>> kampala, nairobi, lagos = [0.3476, 32.5825], [-1.2921, 36.8219], [6.5244, 3.3792]
    >>> km, which = nearest_place(np.array([kampala]), np.array([lagos, nairobi]))
    >>> km.round().tolist(), which.tolist()
    ([505.0], [1])
    """
    import numpy as np
    from sklearn.neighbors import BallTree

    tree = BallTree(np.radians(others), metric="haversine")
    radians, which = tree.query(np.radians(points), k=1)
    # rounding takes the arc sine of a little more than 1 between antipodes, which is NaN
    return np.fmin(radians[:, 0], np.pi) * EARTH_KM, which[:, 0].astype(np.int64)


def unit_vectors(points: Floats) -> Floats:
    """Return places as (m, 3) points on the unit sphere, which has no date line."""
    import numpy as np

    latitude, longitude = np.radians(points).T
    return np.column_stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    )


def degrees_of(vectors: Floats) -> Floats:
    """Return the places (m, 2), in degrees, above which vectors (m, 3) of any length stand."""
    import numpy as np

    x, y, z = vectors.T
    points: Floats = np.degrees(np.column_stack([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)]))
    return points
