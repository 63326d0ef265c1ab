"""Scores of probabilities, which come in global class order whatever classes a fold lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.builtin._metrics.shapes import by_class, check_probabilities, counted, one_hot

if TYPE_CHECKING:
    import pandas as pd

    from harness.builtin._metrics.shapes import Floats, Targets


BINS = 15


def log_loss_rows(targets: Targets, values: Floats) -> Floats:
    """Return each row's cross-entropy in nats, probabilities clipped at float64's epsilon as scikit-learn does.

    Parameters
    ----------
    targets : (n,) codes, or (n, k) in {0, 1}
    values : (n, k) float64
        Used as they are, never made to sum to 1.

    Returns
    -------
    (n,) float64
        Multilabel: mean over the row's k binary cross-entropies.

    Raises
    ------
    DataError
        If a value is no probability, or a single-label row does not sum to 1.
    """
    import numpy as np

    check_probabilities(targets, values)
    eps = np.finfo(np.float64).eps
    clipped = np.clip(values, eps, 1 - eps)
    if targets.ndim == 2:
        loss: Floats = -np.where(targets == 1, np.log(clipped), np.log1p(-clipped)).mean(axis=1)
        return loss
    return -np.log(clipped[np.arange(len(targets)), targets])


def brier_rows(targets: Targets, values: Floats) -> Floats:
    """Return each row's squared error of probabilities.

    Two classes: that of the positive class, in [0, 1]. More classes: summed over classes, in [0, 2] (Brier, 1950).
    Multilabel: mean over the row's cells.

    Parameters
    ----------
    targets : (n,) codes, or (n, k) in {0, 1}
    values : (n, k) float64

    Returns
    -------
    (n,) float64
    """
    check_probabilities(targets, values)
    squared: Floats = (values - one_hot(targets, values.shape[1])) ** 2
    if targets.ndim == 2:
        return squared.mean(axis=1)  # type: ignore[no-any-return]
    return squared[:, 1] if values.shape[1] == 2 else squared.sum(axis=1)


def ece(targets: Targets, values: Floats, weights: Floats | None, _meta: pd.DataFrame | None) -> float:
    """Return the expected calibration error of the top class over 15 equal-width bins ``(low, high]``.

    The confidence of a row is its highest probability, in a binary task too: Guo et al., "On Calibration of Modern
    Neural Networks", ICML 2017, equation 3 (https://arxiv.org/abs/1706.04599). Of equal probabilities the first counts.
    """
    import numpy as np

    targets, values, weights = counted(targets, values, weights)
    if not len(targets):
        return float("nan")
    check_probabilities(targets, values)
    mass = np.ones(len(targets)) if weights is None else weights
    confidence = values.max(axis=1)
    bins = np.digitize(confidence, np.linspace(0, 1, BINS + 1)[1:-1], right=True)
    gaps = np.bincount(bins, weights=mass * ((values.argmax(axis=1) == targets) - confidence))
    return float(np.abs(gaps).sum() / mass.sum())


def roc_auc(targets: Targets, values: Floats, weights: Floats | None, _meta: pd.DataFrame | None) -> float:
    """Return the area under the ROC curve: two classes, of the positive one; else one-vs-rest, macro.

    Classes without a positive or without a negative row are left out; NaN if none remains.
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score

    targets, values, weights = counted(targets, values, weights)
    check_probabilities(targets, values)
    scores = [
        roc_auc_score(truth, column, sample_weight=weights)
        for truth, column in by_class(targets, values)
        if truth.any() and not truth.all()
    ]
    return float(np.mean(scores)) if scores else float("nan")


def average_precision(targets: Targets, values: Floats, weights: Floats | None, _meta: pd.DataFrame | None) -> float:
    """Return the average precision: two classes, of the positive one; else one-vs-rest, macro.

    Classes without a positive row are left out; NaN if none remains.
    """
    import numpy as np
    from sklearn.metrics import average_precision_score

    targets, values, weights = counted(targets, values, weights)
    check_probabilities(targets, values)
    scores = [
        average_precision_score(truth, column, sample_weight=weights)
        for truth, column in by_class(targets, values)
        if truth.any()
    ]
    return float(np.mean(scores)) if scores else float("nan")
