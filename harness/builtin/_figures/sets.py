"""The labelled sets a figure shows, the one the board is ranked by first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.builtin._figures.style import BLUE, ORANGE
from harness.competition import Competition
from harness.data import POINT
from harness.results import RunResult, Scored

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shown:
    """A labelled set with its predictions.

    Attributes
    ----------
    targets : (n,) int64 codes or float64
    values : (n, k) float64
    decisions : (n, k) float64 in {0, 1} or None
    weights : (n,) float64
        Ones where the set has none.
    reweighted : bool
        Whether the set has evaluation weights (a declared target prior).
    """

    name: str
    colour: str
    targets: NDArray[Any]
    values: Floats
    decisions: Floats | None
    weights: Floats
    reweighted: bool

    @property
    def about(self) -> str:
        """Name and size for a subtitle."""
        count, counted = len(self.targets), int((self.weights > 0).sum())
        rows = f"{count:,} rows" if counted == count else f"{counted:,} of {count:,} rows"
        return f"{self.name}, {rows}" + (", reweighted to the target prior" if self.reweighted else "")

    def onehot(self) -> Floats:
        """Return the true classes as (n, k) in {0, 1}."""
        return np.asarray(np.eye(self.values.shape[1])[self.targets.astype(np.int64)], dtype=np.float64)


def shown_sets(competition: Competition, result: RunResult) -> list[Shown]:
    """Return OOF and, where there is one, the labelled validation set; the ranked one first."""
    sets = [_shown("out-of-fold", BLUE, result.oof)]
    if result.valid is not None and len(result.valid.targets):
        sets.append(_shown("validation", ORANGE, result.valid))
    if competition.evaluate.on == "valid":
        sets.reverse()
    return sets


def _shown(name: str, colour: str, scored: Scored) -> Shown:
    columns = scored.predictions.columns
    values = scored.predictions.values
    if POINT in columns:
        values = values[:, [columns.index(POINT)]]
    weights = np.ones(len(scored.targets)) if scored.weights is None else scored.weights
    return Shown(name, colour, scored.targets, values, scored.decisions, weights, scored.weights is not None)
