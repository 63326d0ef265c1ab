"""Predictions of several models put together, with weights that are learned from out-of-fold predictions.

Shapes: m members, n rows, k outputs. A weight is a member's own, the same for every output. Losses are in nats (of a
regression: in units of what equal weights leave), and weights are drawn towards equal ones by a prior worth about one
row, so that members that say the same share their weight and the optimum is always finite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, log_softmax, softmax

from harness.builtin.calibration import scores_of
from harness.data import TaskType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Objective = Callable[[Floats], tuple[float, Floats]]

FLOOR = 1e-9
"""Probabilities are kept this far from 0 and 1 while they are weighed: no single member can veto all others."""
PRIOR = 1.0
"""Half the precision of the prior on each weight: a standard deviation of 0.7 around equal weights."""
MOST = 20.0
"""Largest weight of a log-linear blend, as that of a temperature."""
SMOOTH = 1e-3
"""Width, in mean absolute errors of equal weights, in which the absolute error is rounded off at zero."""
LEARNED = frozenset({"linear", "log_linear"})
"""Methods whose weights `fit` learns; it weighs all members alike for the others (`greedy` has a file of its own)."""


def fit(
    method: str, values: Floats, targets: NDArray[Any], rows: Floats | None, task: TaskType, absolute: bool = False
) -> Floats:
    """Learn the weights of a blend.

    Parameters
    ----------
    method : str
        One of `harness.competition.BLEND_METHODS`.
    values : (m, n, k) float64
        Members' out-of-fold predictions: probabilities, or points of a regression with k = 1 (or 3, the point first).
    targets : array
        Shape by `TaskType`.
    rows : (n,) float64 or None
        Evaluation weights.
    absolute : bool
        Whether a regression minimises the absolute error rather than the squared one.

    Returns
    -------
    (m,) float64
        At least 0. They sum to 1, but for ``log_linear``, where a sum above 1 means that the members together are surer
        than each alone.

    References
    ----------
    Stone 1961, The opinion pool (linear); Genest and Zidek 1986, Combining probability distributions (log-linear);
    Breiman 1996, Stacked regressions (weights that are not negative).
    """
    m = len(values)
    equal = np.full(m, 1 / m)
    if method not in LEARNED or not values.shape[1]:
        return equal
    loss = objective(method, values, targets, rows, task, absolute)
    if method == "log_linear":
        return _minimum(loss, equal)
    found = _minimum(_on_simplex(loss), equal)
    weights: Floats = found / found.sum()
    return weights


def apply(method: str, weights: Floats, values: Floats, task: TaskType, reference: Floats | None = None) -> Floats:
    """Blend predictions.

    Parameters
    ----------
    weights : (m,) float64
        What `fit` returned.
    values : (m, n, k) float64
    reference : (m, r, k) float64, optional
        The rows that `fit` saw; ``rank_mean`` ranks values among them, so that no row depends on its neighbours.

    Returns
    -------
    (n, k) float64
    """
    if method == "median":
        middle: Floats = np.median(values, axis=0)
        return middle
    if method in ("log_linear", "logit_mean"):
        scores = np.tensordot(weights, scores_of(_inside(values), task), 1)
        pooled: Floats = softmax(scores, axis=1) if task.single_label else expit(scores)
        return pooled
    if method == "rank_mean":
        assert reference is not None
        values = np.stack([_ranks(one, other, task) for one, other in zip(values, reference, strict=True)])
    blended: Floats = np.tensordot(weights, values, 1)
    return blended


def objective(
    method: str, values: Floats, targets: NDArray[Any], rows: Floats | None, task: TaskType, absolute: bool = False
) -> Objective:
    """Return what `fit` minimises: a convex function of the weights that returns its value and its gradient (m,).

    Parameters are those of `fit`; `method` is one of `LEARNED`.
    """
    m, n, _ = values.shape
    share = np.full(n, 1 / n) if rows is None else rows / rows.sum()
    if task is TaskType.REGRESSION:
        loss = _errors(values[:, :, 0], targets, share, absolute)
    elif method == "linear":
        loss = _linear(values, targets, share, task)
    else:
        loss = _log_linear(values, targets, share, task)

    def regularised(weights: Floats) -> tuple[float, Floats]:
        value, gradient = loss(weights)
        apart = weights - 1 / m
        return value + PRIOR / n * float(apart @ apart), gradient + 2 * PRIOR / n * apart

    return regularised


def _linear(values: Floats, targets: NDArray[Any], share: Floats, task: TaskType) -> Objective:
    # weights sum to 1, so that a mixture says of what happened the mixture of what its members said of it
    if task.single_label:
        said = values[:, np.arange(len(targets)), targets]
    else:
        said = np.where(targets == 1, values, 1 - values).reshape(len(values), -1)
        share = np.repeat(share / values.shape[2], values.shape[2])
    said = _inside(said)

    def loss(weights: Floats) -> tuple[float, Floats]:
        mixed = np.maximum(weights @ said, FLOOR)
        return -float(share @ np.log(mixed)), -(said @ (share / mixed))

    return loss


def _log_linear(values: Floats, targets: NDArray[Any], share: Floats, task: TaskType) -> Objective:
    scores = scores_of(_inside(values), task)
    k = values.shape[2]
    happened = np.eye(k)[targets] if task.single_label else targets
    cells = share if task.single_label else share / k

    def loss(weights: Floats) -> tuple[float, Floats]:
        mixed = np.tensordot(weights, scores, 1)
        if task.single_label:
            logs = log_softmax(mixed, axis=1)
            said, value = np.exp(logs), -float(cells @ (happened * logs).sum(axis=1))
        else:
            said, value = expit(mixed), float(cells @ (np.logaddexp(0.0, mixed) - happened * mixed).sum(axis=1))
        return value, np.tensordot(scores, (said - happened) * cells[:, None], 2)

    return loss


def _errors(points: Floats, targets: Floats, share: Floats, absolute: bool) -> Objective:
    errors = points - targets
    equal = errors.mean(axis=0)
    size = float(share @ np.abs(equal) if absolute else share @ equal**2) or 1.0

    def squared(weights: Floats) -> tuple[float, Floats]:
        left = weights @ errors
        return float(share @ left**2) / (2 * size), errors @ (share * left) / size

    def rounded(weights: Floats) -> tuple[float, Floats]:
        left = weights @ errors / size
        length = np.sqrt(left**2 + SMOOTH**2)
        return float(share @ length), errors @ (share * left / length) / size

    return rounded if absolute else squared


def _on_simplex(loss: Objective) -> Objective:
    """Return the loss of weights divided by their sum, which itself is held near 1."""

    def of_any(free: Floats) -> tuple[float, Floats]:
        total = max(float(free.sum()), FLOOR)
        weights = free / total
        value, gradient = loss(weights)
        off = float(free.sum()) - 1
        return value + off**2, (gradient - gradient @ weights) / total + 2 * off

    return of_any


def _minimum(loss: Objective, start: Floats) -> Floats:
    from scipy.optimize import minimize

    options = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-8}
    bounds = [(0.0, MOST)] * len(start)
    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return found


def _inside(values: Floats) -> Floats:
    inside: Floats = np.clip(values, FLOOR, 1 - FLOOR)
    return inside


def _ranks(values: Floats, reference: Floats, task: TaskType) -> Floats:
    """Return the share of the reference below each value, in [0, 1]; of two classes, that of the positive one."""
    columns = [1] if task.single_label else range(values.shape[1])
    ranks = np.column_stack([_rank(values[:, column], reference[:, column]) for column in columns])
    return np.hstack([1 - ranks, ranks]) if task.single_label else ranks


def _rank(values: Floats, reference: Floats) -> Floats:
    known, counts = np.unique(reference, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(reference)
    ranks: Floats = np.interp(values, known, middle)
    return ranks
