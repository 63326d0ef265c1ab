"""The shape of intervals: how far each end lies from its start, by level of the prediction and by region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import isotonic_regression

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEPS = 12
"""Most steps of a spread."""
THINNEST = 0.1
"""A step's spread is at least this part of the spread of all rows."""
ALL = ""
"""Region whose correction is that of all rows."""
ROUNDING = 1e-9
"""Weights of a place sum to 1 up to this."""


@dataclass(frozen=True)
class Settings:
    """`misses` of both sides together; the rest as in `harness_airquality.intervals.ConformalParams`."""

    misses: float
    min_rows: int
    shrinkage: float
    level_rows: int


@dataclass(frozen=True, eq=False)
class Calibration:
    """Rows that intervals are learned from.

    Attributes
    ----------
    point, targets : (n,) float64
        In the target's unit.
    base : (n, 2) float64 or None
        Lower and upper end as the model predicts them.
    weights : (n,) float64
    unit : (n,) int64
        Code of the row's place; rows of one place depend on each other.
    region : (n,) object array of str
    """

    point: Floats
    base: Floats | None
    targets: Floats
    weights: Floats
    unit: NDArray[np.int64]
    region: NDArray[np.object_]

    def take(self, rows: NDArray[np.bool_]) -> Calibration:
        """Return the chosen rows."""
        base = None if self.base is None else self.base[rows]
        return Calibration(
            self.point[rows], base, self.targets[rows], self.weights[rows], self.unit[rows], self.region[rows]
        )

    def one_more(self) -> float:
        """Return the mean weight of a place: what one more would weigh."""
        return float(self.weights.sum() / len(np.unique(self.unit)))


@dataclass(frozen=True, eq=False)
class End:
    """One end of an interval.

    Attributes
    ----------
    sign : int
        -1 for the lower end, 1 for the upper.
    levels, spread : (m,) float64 or None
        Spread at levels of the prediction, in between linear; None where the model's own end is moved, by units of 1.
    shift : mapping of str to float
        By region, in units of the spread; `ALL` for any other.
    """

    sign: int
    levels: Floats | None
    spread: Floats | None
    shift: Mapping[str, float] = field(default_factory=dict)

    def outside(self, rows: Calibration) -> Floats:
        """Return how far readings lie outside, (n,), in units of the spread; negative inside."""
        start = rows.point if rows.base is None else rows.base[:, (self.sign + 1) // 2]
        distance: Floats = self.sign * (rows.targets - start) / self.unit_at(rows.point) - self.shift_of(rows.region)
        return distance

    def unit_at(self, point: Floats) -> Floats:
        """Return the spread at predictions, (n,)."""
        if self.levels is None or self.spread is None:
            return np.ones(len(point))
        return np.interp(point, self.levels, self.spread)

    def shift_of(self, region: NDArray[np.object_]) -> Floats:
        """Return the correction of each row's region, (n,)."""
        return np.array([self.shift.get(name, self.shift.get(ALL, 0.0)) for name in region], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Shape:
    """Both ends."""

    lower: End
    upper: End

    @classmethod
    def nothing(cls, corrects: bool) -> Shape:
        """Return the shape before anything is learned: the point itself, or the model's own interval."""
        levels, spread = (None, None) if corrects else (np.zeros(1), np.ones(1))
        return cls(End(-1, levels, spread), End(1, levels, spread))

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions with a correction of their own."""
        return tuple(sorted(set(self.upper.shift) - {ALL}))

    def ends(
        self, point: Floats, base: Floats | None, region: NDArray[np.object_], margin: float
    ) -> tuple[Floats, Floats]:
        """Return lower and upper ends, each (n,), with the margin, in units of the spread, added on both sides."""
        found = []
        for side, end in enumerate((self.lower, self.upper)):
            start = point if base is None else base[:, side]
            found.append(start + end.sign * (end.shift_of(region) + margin) * end.unit_at(point))
        return found[0], found[1]

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        return {name: _state(end) for name, end in (("lower", self.lower), ("upper", self.upper))}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Shape:
        """Read what `state` returned."""
        return cls(_end(-1, state["lower"]), _end(1, state["upper"]))


def weighted_quantile(values: Floats, weights: Floats, level: float, beyond: float = 0.0) -> float:
    """Return the smallest value that so much of the weight does not exceed.

    With weights of 1 and `beyond` 1 it is the ``ceil((n + 1) level)``-th smallest of n, which a further exchangeable
    value does not exceed with a probability of at least `level`.

    Parameters
    ----------
    values, weights : (n,) float64
    level : float
        In (0, 1).
    beyond : float
        Weight of what is taken to lie above all values.

    Returns
    -------
    float
        Infinity where all values together do not reach the level.

    Examples
    --------
    >>> weighted_quantile(np.arange(1.0, 20), np.ones(19), 0.9, beyond=1.0)
    18.0
    >>> weighted_quantile(np.arange(1.0, 9), np.ones(8), 0.9, beyond=1.0)
    inf
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    wanted = level * (reached[-1] + beyond)
    first = int(np.searchsorted(reached, wanted - ROUNDING * reached[-1]))
    return float(values[order[first]]) if first < len(values) else float("inf")


def excess(shape: Shape, rows: Calibration) -> Floats:
    """Return how far readings lie outside either end, (n,), in units of the spread; negative inside."""
    return np.maximum(shape.lower.outside(rows), shape.upper.outside(rows))


def fit_shape(rows: Calibration, settings: Settings) -> Shape:
    """Learn both ends; each misses half of what may be missed.

    Parameters
    ----------
    rows : Calibration
        At least one row.
    """
    return Shape(_fit_end(-1, rows, settings), _fit_end(1, rows, settings))


def _fit_end(sign: int, rows: Calibration, settings: Settings) -> End:
    level = 1 - settings.misses / 2
    levels, spread = (None, None) if rows.base is not None else _spread(sign, rows, level, settings.level_rows)
    plain = End(sign, levels, spread)
    outside = plain.outside(rows)
    shift = {ALL: weighted_quantile(outside, rows.weights, level)}
    for region in np.unique(rows.region):
        own = rows.region == region
        if region == ALL or own.sum() < settings.min_rows:
            continue
        places = len(np.unique(rows.unit[own]))
        difference = weighted_quantile(outside[own], rows.weights[own], level) - shift[ALL]
        shift[str(region)] = shift[ALL] + places / (places + settings.shrinkage) * difference
    return End(sign, levels, spread, shift)


def _spread(sign: int, rows: Calibration, level: float, level_rows: int) -> tuple[Floats, Floats]:
    """Return levels and the spread there: a quantile of the residuals on one side that never falls with the level."""
    residual = sign * (rows.targets - rows.point)
    steps = int(np.clip(len(residual) // level_rows, 1, STEPS))
    cuts = np.unique(np.quantile(rows.point, np.arange(1, steps) / steps))
    step = np.searchsorted(cuts, rows.point, side="right")
    found = []
    for one in np.unique(step):
        own = step == one
        side = max(weighted_quantile(residual[own], rows.weights[own], level), 0.0)
        found.append((float(np.median(rows.point[own])), side, float(rows.weights[own].sum())))
    levels, raw, mass = np.transpose(found)
    whole = weighted_quantile(np.abs(residual), rows.weights, level)
    smallest = THINNEST * whole if whole > 0 else 1.0  # residuals of 0 have no spread to be measured in
    spread: Floats = np.maximum(isotonic_regression(raw, weights=mass).x, smallest)
    return levels, spread


def _state(end: End) -> dict[str, Any]:
    curve = None if end.levels is None or end.spread is None else [end.levels.tolist(), end.spread.tolist()]
    return {"curve": curve, "shift": dict(end.shift)}


def _end(sign: int, state: Mapping[str, Any]) -> End:
    levels, spread = (None, None) if state["curve"] is None else (np.array(part) for part in state["curve"])
    return End(sign, levels, spread, {str(name): float(value) for name, value in state["shift"].items()})
