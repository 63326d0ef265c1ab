"""Covariates of the same place at other times: single steps away (lags, leads) and over windows.

Rows of a place may be irregular: what counts is the time step a row falls in, never its position in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import DataError, nearest
from harness_airquality.making.kind import Floats, Ints, Kind, covariate_names, names, nanoseconds, steps
from harness_airquality.making.windows import (
    Moments,
    in_cells,
    joined,
    lowest,
    lowest_in_cells,
    of_values,
    windows,
)
from harness_airquality.stations import PLACE, TIME

CHUNK = 1 << 16
"""Cells worked on at once: few enough for a processor's cache."""


class Lags(Kind):
    """Lagged covariates and statistics of windows, per place.

    ``no2_lag2`` is the mean of the place's rows two steps before, ``no2_lead2`` two steps after (only to reconstruct),
    ``no2_mean7`` that of seven steps: the row's own in the middle (to reconstruct), or the row itself and what the
    place measured in the six steps before (to forecast: another row of the same step may be later, so it is left out).
    What there is no row for is missing. Training rows are remembered, so that lags of later rows reach into them;
    where a row of the same place and time comes again, the new one counts.

    Parameters
    ----------
    mode : str
        ``reconstruct`` or ``forecast``.
    lags, rolling : tuple of int
        Steps, all different.
    statistics : tuple of str
        ``mean``, ``std`` (with n - 1, missing for one value), ``min``, ``max``.
    patterns : tuple of str
        Names or patterns of covariates; none means every number.
    step : str
        The table's time step.
    """

    def __init__(
        self,
        mode: str = "reconstruct",
        lags: tuple[int, ...] = (),
        rolling: tuple[int, ...] = (),
        statistics: tuple[str, ...] = ("mean", "std", "min", "max"),
        patterns: tuple[str, ...] = (),
        step: str = "1D",
    ) -> None:
        self.mode = mode
        self.lags = lags
        self.rolling = rolling
        self.statistics = statistics
        self.patterns = patterns
        self.step = step

    def fit(self, X: pd.DataFrame, y: Any = None) -> Lags:  # noqa: ARG002
        """Remember the training rows of the covariates that are lagged.

        Raises
        ------
        DataError
            If a pattern fits no covariate that is a number.
        """
        numbers = [name for name in covariate_names(X) if pd.api.types.is_numeric_dtype(X[name].dtype)]
        for pattern in self.patterns:
            if not any(fnmatchcase(name, pattern) for name in numbers):
                raise DataError(
                    f"airquality.features: lag_columns: {pattern!r} fits no covariate that is a number"
                    f"{nearest(pattern, numbers)}"
                )
        self.columns_ = [n for n in numbers if not self.patterns or any(fnmatchcase(n, p) for p in self.patterns)]
        self.history_ = X[[PLACE, TIME, *self.columns_]]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the new columns (n, k) of rows (n, m), which may use training rows and each other."""
        rows = X[[PLACE, TIME, *self.columns_]]
        if rows.equals(self.history_):  # the training rows themselves
            return self.framed(self._made(rows, len(rows)))
        earlier = self.history_[self.history_[PLACE].isin(rows[PLACE].unique())]
        both = pd.concat([rows, earlier], ignore_index=True)
        both = both[~both.duplicated([PLACE, TIME]) | (np.arange(len(both)) < len(rows))]
        return self.framed(self._made(both, len(rows)))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of the new columns, in order."""
        suffixes = [
            *(f"{'lag' if steps > 0 else 'lead'}{abs(steps)}" for steps in self._shifts()),
            *(f"{statistic}{length}" for length in self.rolling for statistic in self.statistics),
        ]
        return names(f"{name}_{suffix}" for name in self.columns_ for suffix in suffixes)

    def state(self) -> dict[str, Any]:
        """Return what was learned as JSON values."""
        return {"columns": self.columns_}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the training rows."""
        return {"history": self.history_}

    def restore(self, state: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> None:
        """Take back what `state` and `tables` returned."""
        self.columns_, self.history_ = state["columns"], tables["history"]

    def _shifts(self) -> list[int]:
        return [*self.lags, *(-steps for steps in self.lags if self.mode == "reconstruct")]

    def _made(self, table: pd.DataFrame, wanted: int) -> Floats:
        """Return the new columns (k, wanted) of the first rows of a table."""
        plan = Plan(tuple(self._shifts()), self.rolling, self.statistics, self.mode == "forecast")
        made = np.empty((len(self.get_feature_names_out()), wanted))
        if not made.size:
            return made
        line = Timeline.of(table, self.step, plan.reach)
        values = [table[name].to_numpy(np.float64)[line.order] for name in self.columns_]
        width = len(made) // len(values)
        for start, stop in line.chunks:
            rows = line.order[start:stop]
            new = np.flatnonzero(rows < wanted)
            if not len(new):
                continue
            cells = line.cells[start:stop] - line.cells[start] + plan.reach
            source, target = run(new), run(rows[new])
            for column, known in enumerate(values):
                for index, feature in enumerate(plan.features(known[start:stop], cells), start=column * width):
                    made[index, target] = feature[source]
        return made


@dataclass(frozen=True, eq=False)
class Timeline:
    """The rows of all places on one line of cells, in order; a gap longer than any feature's reach is cut short.

    Attributes
    ----------
    order : (n,) int64
        Rows by place and time.
    cells : (n,) int64
        The cell of each of these rows.
    chunks : sequence of (int, int)
        Ranges of these rows that are out of each other's reach.
    """

    order: Ints
    cells: Ints
    chunks: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, table: pd.DataFrame, step: str, reach: int) -> Timeline:
        """Lay out rows (n, m)."""
        places = pd.factorize(table[PLACE], sort=True)[0]
        order = np.lexsort((nanoseconds(table), places))
        place, number = places[order], steps(table, step)[order]
        gaps = np.where(np.diff(place) == 0, np.minimum(np.diff(number), reach + 1), reach + 1)
        cells = np.concatenate([[0], np.cumsum(gaps)])
        apart = np.concatenate([[0], np.flatnonzero(gaps > reach) + 1])
        _, first = np.unique(cells[apart] // CHUNK, return_index=True)
        starts = [int(start) for start in apart[first]]
        return cls(order, cells, list(zip(starts, [*starts[1:], len(order)], strict=True)))


@dataclass(frozen=True)
class Plan:
    """Which features are made of a covariate: cells away (positive: before), and statistics of windows."""

    shifts: tuple[int, ...]
    lengths: tuple[int, ...]
    statistics: tuple[str, ...]
    trailing: bool

    @property
    def reach(self) -> int:
        """How many cells away a feature looks."""
        return max([1, *map(abs, self.shifts), *self.lengths])

    def features(self, values: Floats, cells: Ints) -> list[Floats]:
        """Return the features (n,) of values (n,) at increasing cells, of which the first is `reach`."""
        size = int(cells[-1]) + self.reach + 1
        line = in_cells(values, cells, size)
        level = np.where(line.count > 0, line.mean, np.nan)
        made: dict[str, list[Floats]] = {}
        if {"mean", "std"} & set(self.statistics):
            made["mean"], made["std"] = self._moments(line, values, cells)
        if "min" in self.statistics:
            made["min"] = self._lowest(values, cells, size)
        if "max" in self.statistics:
            made["max"] = [-found for found in self._lowest(-values, cells, size)]
        lagged = [level[run(cells - shift)] for shift in self.shifts]
        return lagged + [made[name][index] for index in range(len(self.lengths)) for name in self.statistics]

    def _windows(self) -> list[tuple[int, int]]:
        if self.trailing:  # of the row's own cell, only the row itself is known to be no later
            return [(1 - length, length - 1) for length in self.lengths]
        return [(-(length // 2), length) for length in self.lengths]

    def _moments(self, line: Moments, values: Floats, cells: Ints) -> tuple[list[Floats], list[Floats]]:
        rows, own = run(cells - self.reach), of_values(values)
        means, deviations = [], []
        for window in windows(line, self._windows(), self.reach):
            found = window.part(rows)
            if self.trailing:
                found = joined(found, own)
            means.append(np.where(found.count > 0, found.mean, np.nan))
            variance = np.where(found.count > 1, found.spread, np.nan) / np.maximum(found.count - 1, 1.0)
            deviations.append(np.sqrt(variance))
        return means, deviations

    def _lowest(self, values: Floats, cells: Ints, size: int) -> list[Floats]:
        rows = run(cells - self.reach)
        known = np.isfinite(values)
        found = [window[rows] for window in lowest(lowest_in_cells(values, cells, size), self._windows(), self.reach)]
        if self.trailing:
            own = np.where(known, values, np.inf)
            found = [np.minimum(window, own) for window in found]
        return [np.where(np.isfinite(window), window, np.nan) for window in found]


def run(positions: Ints) -> Ints | slice:
    """Return increasing positions as a slice if none is left out between them, which reads memory in one go."""
    first, last = int(positions[0]), int(positions[-1])
    return (
        slice(first, last + 1)
        if last - first + 1 == len(positions) and bool((np.diff(positions) == 1).all())
        else positions
    )
