"""Scores of several predictors on parts of the same rows: bootstrap draws, all folds but one, random halves.

Parts are of units: groups of rows that belong together, or single rows. Every part is the same for all entries.

- Bootstrap: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993. Where a score is no mean over rows
  and there are more than `MOST_ROWS`, a draw takes fewer and its spread is scaled down: P. Bickel, F. Götze and W. van
  Zwet, "Resampling fewer than n observations", Statistica Sinica 7 (1997).
- Folds: F. Busing, E. Meijer and R. van der Leeden, "Delete-m jackknife for unequal m", Statistics and Computing 9
  (1999); for a mean over folds of equal size it is the variance of fold scores over their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

MEAN_DRAWS, OTHER_DRAWS, FEWEST_DRAWS = 400, 200, 50
SPLITS = 50
"""Random halves of the units that ranks are compared on."""
LEAST_FOLDS = 3
MOST_ROWS = 10_000
"""Rows in a draw of what is no mean over rows."""
FEWEST_UNITS = 200
"""Units are never left out of a draw where there are no more than these."""
MOST_CELLS = 80_000_000
"""Predicted numbers that all draws together may read; where each entry predicts many classes, draws are fewer."""


@dataclass(frozen=True, eq=False)
class Entries:
    """Predictions of m entries for the same n rows, best entry first.

    Attributes
    ----------
    score : callable
        ``score(rows) -> (m,)`` for (b,) int64 positions of rows, which may repeat; NaN where rows define no score.
    scores : (m,) float64
        Of all rows; finite.
    sign : int
        1 where less is better, -1 where more is.
    units : (n,) int64
        The unit of each row, 0 to u - 1: its group, or itself.
    folds : (n,) int64 or None
        None where another training is not told by folds.
    losses : (n, m) float64 or None
        Where the score is the mean of these, weighted by `weights`.
    weights : (n,) float64 or None
    columns : int
        Predicted numbers of a row.
    refit, refit_df : (m,) float64
        Variance of each score over trainings where it is known from seeds, and its degrees of freedom; 0 and infinity
        where not. Used where `folds` are not.
    same_as : (m,) int64 or None
        The same number where predictions are the same, 0 that of the first; None: all differ.
    """

    score: Callable[[Codes], Floats]
    scores: Floats
    sign: int
    units: Codes
    folds: Codes | None
    losses: Floats | None
    weights: Floats | None
    columns: int
    refit: Floats
    refit_df: Floats
    same_as: Codes | None = None


def bootstrap(entries: Entries, rng: np.random.Generator) -> Floats:
    """Draw units with replacement, the same for all entries.

    Returns
    -------
    (draws, m) float64
        Deviations of the scores from their mean over draws, on the scale of all units.

    Raises
    ------
    ValueError
        If fewer than half of the draws define every score.
    """
    import numpy as np

    if entries.losses is not None:
        drawn, size = _drawn_means(entries, rng), 1.0
    else:
        members, n_units, m = _members(entries.units), int(entries.units.max()) + 1, len(entries.scores)
        taken = _taken(len(entries.units), n_units)
        cells = min(MOST_ROWS, len(entries.units)) * entries.columns * m
        draws = int(np.clip(MOST_CELLS // cells, FEWEST_DRAWS, OTHER_DRAWS))
        drawn = np.stack([entries.score(members(rng.integers(0, n_units, taken))) for _ in range(draws)])
        size = taken / n_units
    whole = drawn[np.isfinite(drawn).all(axis=1)]
    if len(whole) < len(drawn) / 2:
        raise ValueError(f"only {len(whole)} of {len(drawn)} draws of rows define every score")
    deviations: Floats = (whole - whole.mean(axis=0)) * np.sqrt(size)
    return deviations


def fold_deviations(entries: Entries) -> Floats | None:
    """Return (K, m) values whose squares sum to the jackknife variance of each score, and so for any difference.

    None where there are fewer than three folds, or leaving one out defines no score.
    """
    import numpy as np

    if entries.folds is None:
        return None
    names, counts = np.unique(entries.folds, return_counts=True)
    if len(names) < LEAST_FOLDS:
        return None
    without = np.stack([entries.score(np.flatnonzero(entries.folds != name)) for name in names])
    if not np.isfinite(without).all():
        return None
    share = (len(entries.folds) / counts)[:, None]
    pseudo = share * entries.scores - (share - 1) * without
    centre = len(names) * entries.scores - ((1 - 1 / share) * without).sum(axis=0)
    deviations: Floats = (pseudo - centre) / np.sqrt(len(names) * (share - 1))
    return deviations


def halves(entries: Entries, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield half the difference (m,) of the scores of two random halves, `SPLITS` times.

    Of smaller parts, where a draw takes fewer rows, scaled as if they were halves. Halves without a score are left out.
    """
    import numpy as np

    members, n_units = _members(entries.units), int(entries.units.max()) + 1
    half = n_units // 2
    if entries.losses is None:
        half = min(half, _taken(len(entries.units), n_units) // 2)
    for _ in range(SPLITS):
        order = rng.permutation(n_units)
        one, other = (_score(entries, members(part)) for part in (order[:half], order[half : 2 * half]))
        deviation = (one - other) / 2 * np.sqrt(2 * half / n_units)
        if np.isfinite(deviation).all():
            yield deviation


def _score(entries: Entries, rows: Codes) -> Floats:
    import numpy as np

    if entries.losses is None:
        return entries.score(rows)
    weights = None if entries.weights is None else entries.weights[rows]
    if not len(rows) or (weights is not None and not weights.sum()):
        return np.full(len(entries.scores), np.nan)
    return np.asarray(np.average(entries.losses[rows], axis=0, weights=weights), dtype=np.float64)


def _drawn_means(entries: Entries, rng: np.random.Generator) -> Floats:
    import numpy as np

    assert entries.losses is not None
    n_units = int(entries.units.max()) + 1
    weights = np.ones(len(entries.units)) if entries.weights is None else entries.weights
    mass = np.bincount(entries.units, weights, n_units)
    columns = [np.bincount(entries.units, weights * column, n_units) for column in entries.losses.T]
    sums = np.stack([*columns, mass], axis=1)
    counts = (np.bincount(rng.integers(0, n_units, n_units), minlength=n_units) for _ in range(MEAN_DRAWS))
    total = np.stack([count @ sums for count in counts])
    with np.errstate(divide="ignore", invalid="ignore"):
        return total[:, :-1] / total[:, -1:]


def _taken(rows: int, units: int) -> int:
    return units if rows <= MOST_ROWS else min(units, max(round(units * MOST_ROWS / rows), min(units, FEWEST_UNITS)))


def _members(units: Codes) -> Callable[[Codes], Codes]:
    import numpy as np

    order = np.argsort(units, kind="stable")
    counts = np.bincount(units)
    if len(counts) == len(units):
        return lambda chosen: order[chosen]
    rows = np.split(order, np.cumsum(counts)[:-1])
    return lambda chosen: np.concatenate([rows[unit] for unit in chosen]) if len(chosen) else order[:0]
