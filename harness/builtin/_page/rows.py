"""The rows that a page shows the errors of, with the loss and the weight of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.builtin._metrics.probabilities import log_loss_rows
from harness.data import Examples

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from harness.data import Dataset, DatasetInfo
    from harness.results import Scored

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of the ranked set that count, with the loss of each.

    Attributes
    ----------
    loss : (n,) float64
        Log loss of a row; for a regression its absolute error.
    weights : (n,) float64
        Evaluation weights, above 0; their mean is 1.
    meta : DataFrame or None
        (n, m), in the order of the rows.
    """

    scored: Scored
    info: DatasetInfo
    loss: Floats
    weights: Floats
    what: str
    meta: pd.DataFrame | None

    @property
    def mass(self) -> Floats:
        """What each row adds to the loss, (n,)."""
        return self.loss * self.weights


def rows_of(scored: Scored, dataset: Dataset, on: str) -> Rows | None:
    """Match scored rows with what is known of them; None where their losses cannot be told."""
    info, scored = dataset.info, _counting(scored)
    if not len(scored.targets):
        return None
    if info.classes:
        try:
            loss = log_loss_rows(scored.targets, scored.predictions.values)
        except Exception:  # an import may hold values that are no probabilities; the page is not the place to fail
            return None
        what = "log loss"
    else:
        loss, what = np.abs(scored.predictions.values[:, 0] - scored.targets), "absolute error"
    source = dataset.valid if on == "valid" else dataset.train
    weights = np.ones(len(loss)) if scored.weights is None else scored.weights / scored.weights.mean()
    return Rows(scored, info, loss, weights, what, _meta(source, scored))


def _counting(scored: Scored) -> Scored:
    """Leave out rows of weight 0."""
    if scored.weights is None or (scored.weights > 0).all():
        return scored
    kept, found = scored.weights > 0, scored.predictions
    return replace(
        scored,
        targets=scored.targets[kept],
        predictions=replace(found, ids=found.ids[kept], values=found.values[kept]),
        decisions=None if scored.decisions is None else scored.decisions[kept],
        weights=scored.weights[kept],
        folds=scored.folds[kept],
    )


def _meta(source: Examples | None, scored: Scored) -> pd.DataFrame | None:
    if source is None or source.meta is None:
        return None
    import pandas as pd

    places = pd.Index(source.ids).get_indexer(pd.Index(scored.predictions.ids))
    return None if (places < 0).any() else source.meta.iloc[places].reset_index(drop=True)


def mean_and_error(loss: Floats, weights: Floats) -> tuple[float, float]:
    """Return the weighted mean and its standard error; 0 of one row."""
    n, shares = len(loss), weights / weights.sum()
    mean = float(shares @ loss)
    return mean, float(np.sqrt(n / (n - 1) * (shares**2 @ (loss - mean) ** 2))) if n > 1 else 0.0
