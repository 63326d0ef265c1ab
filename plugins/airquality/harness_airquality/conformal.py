"""Conformal prediction intervals for places never seen.

An interval has a shape and a margin. The shape leaves half of the allowed misses on each side, since errors of PM2.5
are skewed: where a model predicts a point only, each side's spread grows with the prediction; where it predicts an
interval too, its own ends are moved. Either is corrected per region, as far as the region has places to learn from. The
margin is one number on top: the conformal quantile of how far readings lie outside of shapes that were learned from
other places.

Each place counts the same, and the margin is taken as if one more place lay outside of everything: rows of a place
share its error, so that their number says little about a place never seen.

References
----------
Romano, Patterson, Candes 2019, Conformalized Quantile Regression, arXiv 1905.03222. Vovk 2015, Cross-conformal
predictors. Vovk, Gammerman, Shafer 2005, Algorithmic Learning in a Random World, section 4.5 (by region). Lee, Barber,
Willett 2023, Distribution-free inference with hierarchical data, arXiv 2306.06342 (places as units).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.data import LOWER, POINT, UPPER, DatasetInfo, check_any
from harness.errors import ConfigError, PluginError, nearest
from harness_airquality.interval_shape import Calibration, Settings, Shape, excess, fit_shape, weighted_quantile
from harness_airquality.stations import PLACE, REGION

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from harness.offers import AdjusterInput
    from harness_airquality.intervals import ConformalParams

    Floats = NDArray[np.float64]

PARTS = 5
"""Parts into which places are dealt to learn the margin."""


def places_apart(calibration: Calibration, settings: Settings) -> Floats:
    """Return how far each reading lies outside the shape learned from the other parts' places, (n,), in its units."""
    parts = min(PARTS, len(np.unique(calibration.unit)))
    if parts < 2:
        return excess(Shape.nothing(calibration.base is not None), calibration)
    out = np.empty(len(calibration.point))
    for part in range(parts):
        held = calibration.unit % parts == part
        out[held] = excess(fit_shape(calibration.take(~held), settings), calibration.take(held))
    return out


class Conformal:
    """Adds ``lower`` and ``upper`` to a point, or corrects those that a model predicts.

    ``0 <= lower <= point <= upper`` where no target is negative; a negative point is then raised to 0.

    Parameters
    ----------
    params : ConformalParams
    info : DatasetInfo
        `info.roles` names the columns of places and regions in the meta.
    """

    columns = (POINT, LOWER, UPPER)

    def __init__(self, params: ConformalParams, info: DatasetInfo) -> None:
        self.notes: list[str] = []
        self._params = params
        self._place = info.roles.get("group", PLACE)
        self._by = info.roles.get("region", REGION) if params.by == REGION else params.by
        self._settings = Settings(1 - params.coverage, params.min_rows, params.shrinkage, params.level_rows)
        self._shape = Shape.nothing(corrects=False)
        self._width = 1
        self._margin = 0.0
        self._floor: float | None = None

    def fit(self, oof: AdjusterInput) -> None:
        """Learn shape and margin from out-of-fold predictions.

        Raises
        ------
        ConfigError
            If the column of regions is not in the meta.
        DataError
            If there are no rows.
        PluginError
            If the predictions are neither points nor points with an interval.
        """
        check_any(oof.values, "airquality.conformal")
        self._width = _width(oof.values)
        self._floor = 0.0 if oof.targets.min() >= 0 else None
        calibration = self._calibration(oof)
        outside = places_apart(calibration, self._settings)
        margin = weighted_quantile(outside, calibration.weights, self._params.coverage, beyond=calibration.one_more())
        self._margin = float(outside.max()) if np.isinf(margin) else margin
        few = len(np.unique(calibration.unit)) < 2
        corrects = calibration.base is not None
        self._shape = Shape.nothing(corrects) if few else fit_shape(calibration, self._settings)
        self.notes = self._told(calibration, bounded=not np.isinf(margin))

    def apply(self, values: Floats, reference: Floats | None, meta: pd.DataFrame | None = None) -> Floats:  # noqa: ARG002
        """Return point, lower, upper, (n, 3); rows without a known region take the correction of all.

        Raises
        ------
        PluginError
            If the predictions have another number of columns than those learned from.
        """
        if _width(values) != self._width:
            raise PluginError(
                f"airquality.conformal: learned from predictions of {self._width} columns, got {values.shape[1]}"
            )
        point = self._raised(values[:, 0])
        base = values[:, 1:] if self._width == len(self.columns) else None
        lower, upper = self._shape.ends(point, base, self._regions(meta, len(values)), self._margin)
        return np.column_stack([point, np.minimum(self._raised(lower), point), np.maximum(upper, point)])

    def decide(self, values: Floats) -> Floats | None:  # noqa: ARG002
        """Return None: a regression has no decisions."""
        return None

    def state(self) -> dict[str, Any]:
        """Return what was learned as JSON values."""
        return {
            "width": self._width,
            "margin": self._margin,
            "floor": self._floor,
            "shape": self._shape.state(),
            "notes": list(self.notes),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._width = int(state["width"])
        self._margin = float(state["margin"])
        self._floor = None if state["floor"] is None else float(state["floor"])
        self._shape = Shape.restored(state["shape"])
        self.notes = list(state["notes"])

    def _calibration(self, oof: AdjusterInput) -> Calibration:
        n = len(oof.values)
        unit = np.arange(n)
        if oof.meta is not None and self._place in oof.meta:
            _, unit = np.unique(oof.meta[self._place].astype(str).to_numpy(object), return_inverse=True)
            # rows of a single place can only be judged by each other
            unit = unit if unit.max() > 0 else np.arange(n)
        weights = np.ones(n) if oof.weights is None else oof.weights / oof.weights.mean()
        if self._params.place_weighted:
            mass = np.bincount(unit, weights)[unit]
            weights = np.divide(weights, mass, out=np.zeros(n), where=mass > 0)
        if oof.meta is not None and self._by and self._params.by != REGION and self._by not in oof.meta:
            near = nearest(self._by, map(str, oof.meta.columns))
            raise ConfigError(f"airquality.conformal: by = {self._by!r}: the rows' meta has no such column{near}")
        base = oof.values[:, 1:] if self._width == len(self.columns) else None
        return Calibration(self._raised(oof.values[:, 0]), base, oof.targets, weights, unit, self._regions(oof.meta, n))

    def _raised(self, values: Floats) -> Floats:
        return values if self._floor is None else np.maximum(values, self._floor)

    def _regions(self, meta: pd.DataFrame | None, n: int) -> NDArray[np.object_]:
        if meta is None or not self._by or self._by not in meta:
            return np.full(n, "", dtype=object)
        found = meta[self._by]
        regions: NDArray[np.object_] = found.astype(object).where(found.notna(), "").astype(str).to_numpy(object)
        return regions

    def _told(self, calibration: Calibration, bounded: bool) -> list[str]:
        units, n = len(np.unique(calibration.unit)), len(calibration.point)
        about = f"{n:,} rows" if units == n else f"{n:,} rows of {units:,} places"
        notes = [f"intervals of {self._params.coverage:.0%} from {about}"]
        own = self._shape.regions
        others = sorted(set(calibration.region.tolist()) - set(own) - {""})
        if own or others:
            notes[0] += f"; corrected apart: {', '.join(own) or 'none'}"
        if others:
            notes[0] += f"; fewer than {self._params.min_rows} rows, as all: {', '.join(others)}"
        if not bounded:
            notes.append(f"intervals: too few for {self._params.coverage:.0%}; as wide as the worst residual asks")
        return notes


def _width(values: Floats) -> int:
    width = int(values.shape[1])
    if width not in (1, len(Conformal.columns)):
        raise PluginError(
            f"airquality.conformal: predictions have {width} columns; expected 1 (point) or 3 (point, lower, upper)"
        )
    return width
