"""Scores of a run: over all out-of-fold rows, per fold, and on the labelled validation set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.adjusting import Adjusted, Raw
from harness.data import Dataset, Predictions
from harness.offers import Metric
from harness.prepare import Prepared, oof_rows
from harness.results import Score, Scored

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def evaluation_weights(
    targets: NDArray[Any], classes: tuple[str, ...], target_prior: Mapping[str, float] | None
) -> Floats | None:
    """Weight rows so that the class shares become those of the target prior; the mean weight is 1.

    Parameters
    ----------
    targets : (n,) int64 codes
    target_prior : mapping of class to share, or None

    Returns
    -------
    (n,) float64 or None

    Examples
    --------
    >>> import numpy as np
    >>> evaluation_weights(np.array([0, 0, 0, 1]), ("no", "yes"), {"no": 0.5, "yes": 0.5}).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    import numpy as np

    if target_prior is None:
        return None
    shares = np.bincount(targets, minlength=len(classes)) / len(targets)
    wanted = np.array([target_prior[name] for name in classes])
    ratio = np.divide(wanted, shares, out=np.zeros_like(wanted), where=shares > 0)
    weights: Floats = ratio[targets]
    weights /= weights.mean()
    return weights


def scored_oof(raw: Raw, adjusted: Adjusted, ids: NDArray[np.object_]) -> Scored:
    """Put adjusted OOF predictions beside their targets."""
    return Scored(
        raw.targets, Predictions(ids, adjusted.oof, adjusted.columns), adjusted.oof_decisions, raw.weights, raw.folds
    )


def scored_valid(dataset: Dataset, predictions: Predictions | None, decisions: Floats | None) -> Scored | None:
    """Put predictions of the labelled validation set beside its targets; None where there is no such set."""
    import numpy as np

    if dataset.valid is None or predictions is None:
        return None
    assert dataset.valid.targets is not None
    rows = dataset.valid.scored_rows()
    return Scored(
        dataset.valid.targets[rows],
        predictions.take(rows),
        None if decisions is None else decisions[rows],
        None,
        np.full(len(rows), -1, dtype=np.int64),
    )


def score(
    prepared: Prepared, oof: Scored, oof_meta: pd.DataFrame | None, valid: Scored | None
) -> tuple[dict[str, Score], dict[str, list[float]]]:
    """Score a run on every metric of its competition.

    Returns
    -------
    scores : dict of str to Score
    fold_scores : dict of str to list of float
        By metric, one score a fold, of the rows that fold predicted.
    """
    import numpy as np

    scores, fold_scores = {}, {}
    dataset = prepared.dataset
    valid_meta = None if dataset.valid is None or dataset.valid.meta is None else _rows(dataset.valid.meta, dataset)
    for metric in prepared.metrics:
        whole = np.ones(len(oof.targets), dtype=bool)
        folds = [_score(metric, oof, oof_meta, oof.folds == fold) for fold in np.unique(oof.folds)]
        # a fold may not define a metric (AUC of a single class); the others still tell mean and spread
        defined = [value for value in folds if not np.isnan(value)]
        spread = float(np.std(defined, ddof=1) / np.sqrt(len(defined))) if len(defined) > 1 else float("nan")
        scores[metric.name] = Score(
            oof=_score(metric, oof, oof_meta, whole),
            mean=float(np.mean(defined)) if defined else float("nan"),
            stderr=spread,
            valid=None if valid is None else _score(metric, valid, valid_meta, np.ones(len(valid.targets), dtype=bool)),
            raw_oof=None if oof.weights is None else _score(metric, oof, oof_meta, whole, weighted=False),
        )
        fold_scores[metric.name] = folds
    return scores, fold_scores


def oof_meta(prepared: Prepared) -> pd.DataFrame | None:
    """Return what is known of the OOF rows, in the order of the training rows."""
    meta = prepared.dataset.train.meta
    if meta is None:
        return None
    rows, _ = oof_rows(prepared)
    return meta.iloc[rows].reset_index(drop=True)


def _rows(meta: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    assert dataset.valid is not None
    return meta.iloc[dataset.valid.scored_rows()].reset_index(drop=True)


def _score(
    metric: Metric, scored: Scored, meta: pd.DataFrame | None, rows: NDArray[np.bool_], weighted: bool = True
) -> float:
    values = scored.predictions.values
    if metric.needs == "decisions":
        assert scored.decisions is not None, metric.name
        values = scored.decisions
    weights = scored.weights[rows] if weighted and scored.weights is not None else None
    return float(
        metric.score(
            scored.targets[rows], values[rows], weights, None if meta is None else meta[rows].reset_index(drop=True)
        )
    )
