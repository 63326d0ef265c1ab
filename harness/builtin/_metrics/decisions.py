"""Scores of decisions, (n, k) in {0, 1}; an all-zero row is wrong for every single-label target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.builtin._metrics.shapes import counted, indicators, one_hot

if TYPE_CHECKING:
    import pandas as pd

    from harness.builtin._metrics.shapes import Floats, Targets


def accuracy_rows(targets: Targets, values: Floats) -> Floats:
    """Return 1.0 where all k decisions of a row are right, else 0.0 (multilabel: subset accuracy).

    Parameters
    ----------
    targets : (n,) codes, or (n, k) in {0, 1}
    values : (n, k) in {0, 1}
    """
    return (values == one_hot(targets, values.shape[1])).all(axis=1).astype(float)  # type: ignore[no-any-return]


def f_score(
    beta: float, average: str, targets: Targets, values: Floats, weights: Floats | None, _meta: pd.DataFrame | None
) -> float:
    """Return F-beta; a class in neither targets nor decisions is left out, NaN if none remains.

    Parameters
    ----------
    average : str
        ``macro``, ``micro``, ``weighted``, or ``positive`` for the second class alone.
    """
    import numpy as np
    from sklearn.metrics import fbeta_score

    targets, values, weights = counted(targets, values, weights)
    truth, decided = indicators(targets, values)
    if not len(truth):
        return float("nan")
    labels, average = ([1], "macro") if average == "positive" else (None, average)
    return float(
        fbeta_score(
            truth, decided, beta=beta, average=average, labels=labels, sample_weight=weights, zero_division=np.nan
        )
    )


def balanced_accuracy(targets: Targets, values: Floats, weights: Floats | None, _meta: pd.DataFrame | None) -> float:
    """Return the mean recall over classes present in the targets."""
    import numpy as np
    from sklearn.metrics import recall_score

    targets, values, weights = counted(targets, values, weights)
    if not len(targets):
        return float("nan")
    truth, decided = indicators(targets, values)
    return float(recall_score(truth, decided, average="macro", sample_weight=weights, zero_division=np.nan))


def mcc(targets: Targets, values: Floats, weights: Floats | None, _meta: pd.DataFrame | None) -> float:
    """Return the Matthews correlation; rows decided for no class form a class of their own."""
    from sklearn.metrics import matthews_corrcoef

    targets, values, weights = counted(targets, values, weights)
    if not len(targets):
        return float("nan")
    labels = values.argmax(axis=1)
    labels[~values.any(axis=1)] = values.shape[1]
    return float(matthews_corrcoef(targets, labels, sample_weight=weights))
