"""Quantiles of a forest (Meinshausen 2006, https://www.jmlr.org/papers/v7/meinshausen06a.html)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import StoreError
from harness.offers import TaskLog
from harness.tabular.model import Rows
from harness.tabular.sklearn_engine import SklearnEngine
from harness.tabular.tables import Columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FILE = "leaves.npy"


class LeafQuantileEngine(SklearnEngine):
    """A quantile of the training targets that share a row's leaves.

    Each leaf keeps one of its training targets, drawn with equal chances, so that a row's answer is a quantile over as
    many targets as there are trees and the file does not grow with the rows.

    Parameters
    ----------
    make : callable
        ``make(columns) -> Pipeline`` that ends in a forest grown on all rows (no bootstrap).
    level : float
        Of the quantile.
    """

    def __init__(self, make: Callable[[Columns], Any], threads: int, level: float, seed: int) -> None:
        super().__init__(make, threads)
        self.level, self.seed = level, seed
        self.drawn: Floats = np.zeros((0, 0))

    def fit(self, train: Rows, inner: Rows | None, columns: Columns, log: TaskLog) -> None:
        """Grow the forest, and draw a target for each leaf."""
        super().fit(train, inner, columns, log)
        leaves = self._leaves(train.table)
        self.drawn = np.full((leaves.shape[1], int(leaves.max()) + 1), np.nan)
        rng = np.random.default_rng(self.seed)
        for tree in range(len(self.drawn)):
            order = rng.permutation(len(leaves))
            self.drawn[tree, leaves[order, tree]] = train.targets[order]

    def predict(self, table: pd.DataFrame) -> Floats:
        """Return quantiles (n,)."""
        values = self.drawn[np.arange(len(self.drawn)), self._leaves(table)]
        return np.asarray(np.quantile(values, self.level, axis=1))

    def save(self, directory: Path) -> None:
        """Write ``model.skops`` and ``leaves.npy``."""
        super().save(directory)
        np.save(directory / FILE, self.drawn, allow_pickle=False)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote.

        Raises
        ------
        StoreError
            If a file is missing or damaged.
        """
        super().load(directory)
        try:
            self.drawn = np.load(directory / FILE, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise StoreError(f"{directory / FILE}: cannot be read ({error}); train the run again") from error

    def _leaves(self, table: pd.DataFrame) -> NDArray[np.int64]:
        forest = self.pipeline.named_steps["model"]
        return np.asarray(forest.apply(self.pipeline[:-1].transform(table)))
