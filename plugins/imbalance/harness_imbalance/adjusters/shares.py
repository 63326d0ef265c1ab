"""Class shares of an unlabelled batch, estimated from predictions; and predictions moved to other shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import nnls

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROUNDS = 5000
GAP = 1e-3
"""Log-likelihood that the estimate may lack in all: far below what a batch can tell, so flat ones end at once."""
SUM_WEIGHT = 1e4


def shares_of(targets: NDArray[Any], k: int) -> Floats:
    """Return the class shares (k,) of targets (n,)."""
    counts = np.bincount(targets, minlength=k).astype(np.float64)
    shares: Floats = counts / counts.sum()
    return shares


def reweigh(values: Floats, source: Floats, wanted: Floats) -> Floats:
    """Move probabilities from one set of class shares to another by Bayes' rule.

    Parameters
    ----------
    values : (n, k) float64
        Calibrated where classes have the shares `source`.
    source, wanted : (k,) float64
        A class whose source share is 0 keeps its value before rescaling.

    Returns
    -------
    (n, k) float64
        Proportional to ``values * wanted / source``, rows summing to 1.

    References
    ----------
    Elkan 2001, The Foundations of Cost-Sensitive Learning, theorem 2.
    """
    factors = np.divide(wanted, source, out=np.ones_like(wanted), where=source > 0)
    moved = np.maximum(values, np.finfo(np.float64).tiny) * factors
    result: Floats = moved / moved.sum(axis=1, keepdims=True)
    return result


def total_variation(one: Floats, other: Floats) -> float:
    """Return half the sum of absolute differences of two sets of shares."""
    return float(np.abs(one - other).sum() / 2)


def em_shares(values: Floats, source: Floats) -> Floats:
    """Estimate a batch's class shares by expectation-maximisation.

    Parameters
    ----------
    values : (m, k) float64
        Predictions, calibrated where classes have the shares `source`.
    source : (k,) float64

    Returns
    -------
    (k,) float64
        The maximum-likelihood shares, with one pseudo-row divided as `source` so that no share becomes 0.

    Notes
    -----
    Steps are extrapolated, and end where the log-likelihood lacks less than `GAP`: the likelihood is concave, so the
    largest relative step bounds what is lacking.

    References
    ----------
    Saerens, Latinne and Decaestecker 2002, Adjusting the Outputs of a Classifier to New a Priori Probabilities.
    """
    likelihood = np.maximum(values, np.finfo(np.float64).tiny) / np.maximum(source, np.finfo(np.float64).tiny)
    seen = source > 0
    likelihood[:, ~seen] = 0.0
    rows = len(values) + 1

    def step(shares: Floats) -> tuple[Floats, float]:
        updated = (shares * (likelihood.T @ (1 / (likelihood @ shares))) + source) / rows
        return updated, rows * float((updated[seen] / shares[seen]).max() - 1)

    shares = source / source.sum()
    for _ in range(ROUNDS):
        once, gap = step(shares)
        if gap < GAP:
            break
        twice, _ = step(once)
        leap = _extrapolate(shares, once, twice)
        better = leap.min() >= 0 and _fit(likelihood, source, leap) >= _fit(likelihood, source, twice)
        shares = leap if better else twice
    result: Floats = shares / shares.sum()
    return result


def _extrapolate(start: Floats, once: Floats, twice: Floats) -> Floats:
    """Continue two steps of EM in their direction (SQUAREM, Varadhan and Roland 2008, scheme S3)."""
    first = once - start
    bend = twice - once - first
    length = np.linalg.norm(first) / max(float(np.linalg.norm(bend)), np.finfo(np.float64).tiny)
    leap: Floats = start + 2 * length * first + length**2 * bend
    return leap


def _fit(likelihood: Floats, source: Floats, shares: Floats) -> float:
    """Return the log-likelihood of shares, the pseudo-row included; minus infinity where it has none."""
    seen = source > 0
    if shares[seen].min() <= 0:
        return -np.inf
    return float(np.log(likelihood @ shares).sum() + source[seen] @ np.log(shares[seen]))


def soft_confusion(values: Floats, targets: NDArray[Any]) -> Floats:
    """Return the mean prediction (k,) of each true class as the columns of a (k, k) matrix."""
    k = values.shape[1]
    present = [targets == j for j in range(k)]
    columns = [values[rows].mean(axis=0) if rows.any() else np.eye(k)[j] for j, rows in enumerate(present)]
    return np.column_stack(columns)


def bbse_shares(confusion: Floats, values: Floats) -> Floats:
    """Estimate a batch's class shares by black-box shift estimation, on the simplex.

    Parameters
    ----------
    confusion : (k, k) float64
        From `soft_confusion` of labelled rows.
    values : (m, k) float64

    Returns
    -------
    (k,) float64
        The shares whose mixture of the columns is nearest (least squares) to the batch's mean prediction.

    References
    ----------
    Lipton, Wang and Smola 2018, Detecting and Correcting for Label Shift with Black Box Predictors.
    """
    k = len(confusion)
    system = np.vstack([confusion, np.full((1, k), SUM_WEIGHT)])
    shares, _ = nnls(system, np.concatenate([values.mean(axis=0), [SUM_WEIGHT]]))
    result: Floats = shares / shares.sum()
    return result


def tell(shares: Iterable[float], classes: Sequence[str], limit: int = 6) -> str:
    """Write shares in a line: ``no_default .75, default .25``."""
    pairs = [f"{name} {share:.3f}" for name, share in zip(classes, shares, strict=True)]
    return ", ".join(pairs[:limit]) + (f" and {len(pairs) - limit} more" if len(pairs) > limit else "")
