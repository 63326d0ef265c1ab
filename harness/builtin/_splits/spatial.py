"""Spatial blocks: rows near each other are validated together, and a buffer around them does not train.

After Roberts et al., "Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic
structure", Ecography 40 (2017), https://doi.org/10.1111/ecog.02881, and Valavi et al., "blockCV", Methods in Ecology
and Evolution 10 (2019), https://doi.org/10.1111/2041-210X.13107.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.builtin._splits.columns import groups
from harness.builtin._splits.places import EARTH_KM, Places, degrees_of, nearest_place, read_places, unit_vectors
from harness.builtin._splits.rows import MAX_SEED
from harness.data import DatasetInfo, Examples, Fold, check_any
from harness.errors import DataError
from harness.params import param

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.builtin._splits.columns import Codes
    from harness.builtin._splits.places import Floats

CLUSTERS = 4
"""Clusters of places dealt to each fold, where no size of a block is given."""
HALF_WAY_ROUND = 20_016
"""Greatest distance on the globe, km."""


@dataclass(frozen=True)
class SpatialParams:
    """Parameters of ``spatial``."""

    folds: int = param(5, "number of folds", low=2, high=1000)
    seed: int = param(0, "seed of the clusters and of the order in which equal blocks are dealt", low=0, high=MAX_SEED)
    latitude_on: str = param("latitude", "meta column with each row's latitude, degrees north")
    longitude_on: str = param("longitude", "meta column with each row's longitude, degrees east")
    block: float = param(
        0.0, "side of a block, km; 0: clusters of places, four for each fold", low=0, high=HALF_WAY_ROUND
    )
    buffer: float = param(0.0, "rows nearer than this to a predicted row do not train, km", low=0, high=HALF_WAY_ROUND)
    group_on: str = param("", "meta column whose groups are never on both sides; empty: only places stay whole")


def spatial(params: SpatialParams, examples: Examples, _info: DatasetInfo) -> Iterator[Fold]:
    """Predict each block from rows outside of the fold's blocks and their buffer.

    Rows at one coordinate (with `group_on`, also those of one group) are in one block; a group of several places
    belongs to the block of their mean. Blocks with the most rows are dealt first, each to the fold with the fewest.
    """
    import numpy as np

    check_any(examples, "split")
    rows = examples.scored_rows()
    places = read_places(examples, params.latitude_on, params.longitude_on)
    units, centres = _units(places, examples, params.group_on)
    if params.block:
        blocks = grid(centres, params.block)[units]
    else:
        blocks = _clusters(centres, np.unique(units[rows]), params)[units]
    fold_of = _deal(blocks, rows, params)[blocks]
    for index in range(params.folds):
        valid = rows[fold_of[rows] == index]
        train = np.flatnonzero(fold_of != index).astype(np.int64)
        if params.buffer and len(train):
            train = train[distances_km(places, train, valid) >= params.buffer]
        if not len(train):
            raise DataError(
                f"split: fold {index} has no row to train on that is {params.buffer:g} km away from what it predicts"
                f" (buffer = {params.buffer:g}); set less buffer or larger blocks"
            )
        yield Fold(index, train, valid)


def distances_km(places: Places, rows: Codes, others: Codes) -> Floats:
    """Return how far each of some rows is from the nearest of others, as (m,) float64 km."""
    import numpy as np

    of, back = np.unique(places.of[rows], return_inverse=True)
    km, _ = nearest_place(places.points[of], places.points[np.unique(places.of[others])])
    found: Floats = km[back]
    return found


def grid(points: Floats, side: float) -> Codes:
    """Cut the globe into cells about as wide as they are high, and return the cell of each place.

    Bands of latitude, each cut into as many equal cells as fit round it: areas are nearly equal from the equator to
    the poles, and none is a sliver at the date line.

    Parameters
    ----------
    points : (m, 2) float64
        Latitude and longitude, degrees.
    side : float
        Height of a cell and, but for rounding, its width, km.

    Returns
    -------
    (m,) int64
        Numbers from 0 without a gap.
    """
    import numpy as np

    height = np.degrees(side / EARTH_KM)
    bands = np.floor((points[:, 0] + 90) / height)
    middle = np.clip((bands + 0.5) * height - 90, -90, 90)
    around = np.maximum(1, np.rint(360 * np.cos(np.radians(middle)) / height))
    cells = np.floor((points[:, 1] + 180) / 360 * around)
    codes: Codes = np.unique(np.column_stack([bands, cells]), axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    return codes


def _units(places: Places, examples: Examples, group_on: str) -> tuple[Codes, Floats]:
    """Return each row's unit, which is never parted (a place, or groups with all their places), and where units are."""
    import numpy as np

    if not group_on:
        return places.of, places.points
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    codes = groups(examples, group_on)
    n, size = len(places.points), len(places.points) + int(codes.max()) + 1
    edges = coo_array((np.ones(len(codes)), (places.of, n + codes)), shape=(size, size))
    parts = np.unique(connected_components(edges, directed=False)[1][:n], return_inverse=True)[1]
    sums = np.zeros((int(parts.max()) + 1, 3))
    np.add.at(sums, parts, unit_vectors(places.points))
    return parts[places.of].astype(np.int64), degrees_of(sums)


def _clusters(centres: Floats, scored: Codes, params: SpatialParams) -> Codes:
    """Return a block for each unit: k-means of those with scored rows; the others go with the nearest of them."""
    import numpy as np

    wanted = CLUSTERS * params.folds
    labels = np.arange(len(scored)) if len(scored) <= wanted else _k_means(centres[scored], wanted, params.seed)
    _, which = nearest_place(centres, centres[scored])
    blocks: Codes = labels[which].astype(np.int64)
    return blocks


def _k_means(points: Floats, clusters: int, seed: int) -> NDArray[np.int32]:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # threads add up in the order in which they finish, and every process must cut the same folds
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # places a hand's breadth apart may fall together: blocks are counted afterwards
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        labels: NDArray[np.int32] = KMeans(clusters, random_state=seed, n_init=3).fit_predict(unit_vectors(points))
    return labels


def _deal(blocks: Codes, rows: Codes, params: SpatialParams) -> Codes:
    """Return each block's fold; -1 for one without a scored row, which always trains."""
    import numpy as np

    counts = np.bincount(blocks[rows], minlength=int(blocks.max()) + 1)
    used = np.flatnonzero(counts)
    if len(used) < params.folds:
        size = f"of {params.block:g} km" if params.block else "of places"
        raise DataError(
            f"split: {len(used)} blocks {size} with scored rows do not make {params.folds} folds; set fewer folds"
            + (" or smaller blocks" if params.block else "")
        )
    order = np.random.default_rng(params.seed).permutation(used)
    home, filled = np.full(len(counts), -1, dtype=np.int64), np.zeros(params.folds, dtype=np.int64)
    for one in order[np.argsort(-counts[order], kind="stable")]:
        home[one] = np.argmin(filled)
        filled[home[one]] += counts[one]
    return home
