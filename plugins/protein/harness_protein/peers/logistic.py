"""Multinomial logistic regression of scikit-learn as plain arrays, which are stored without a pickle."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from harness.data import Examples
from harness.errors import DataError
from harness.offers import TaskLog
from harness_protein.peers.shares import completed, row_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_ITERATIONS = 100
TOLERANCE = 1e-4
"""Of the gradient; finer steps change probabilities by less than folds differ by far."""
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Inverse penalties that are tried, from the strongest penalty on, until the next predicts worse."""
HELD = 5
"""One of so many training rows is held out to choose a penalty, where no others are given."""
PARTS = ("weights", "intercept", "present", "rows")


def fitted(
    inputs: Any, train: Examples, strength: float, class_weights: bool, threads: int, log: TaskLog
) -> dict[str, NDArray[Any]]:
    """Fit a regression.

    Parameters
    ----------
    inputs : (n, v) array or CSR matrix
    train : n rows
        Whose targets and weights are used.
    strength : float
        Inverse of the penalty.
    class_weights : bool
        Whether every class weighs the same in total.

    Returns
    -------
    dict
        `PARTS`: weights (v, m) float32 and intercept (m,) of the m classes that occur, their codes, the number of rows.

    Raises
    ------
    DataError
        If all rows are of one class.
    """
    assert train.targets is not None
    if len(np.unique(train.targets)) < 2:
        raise DataError("all training rows are of one class, from which nothing can be learned; take other folds")
    model = _fit(_regression(), strength, inputs, train, class_weights, threads)
    if model.n_iter_.max() >= MOST_ITERATIONS:
        log.note(f"logistic regression stopped after {MOST_ITERATIONS} iterations, before its weights came to rest")
    return _arrays(model, len(train))


def probabilities(inputs: Any, model: Mapping[str, NDArray[Any]], classes: int) -> Floats:
    """Return the probabilities of all classes, (n, k), from inputs (n, v) and what `fitted` returned."""
    logits = np.asarray(inputs @ model["weights"], np.float64) + model["intercept"]
    return completed(softmax(logits, axis=1), model["present"], classes, int(model["rows"]))


def holdout(train: int, inner: int | None, seed: int) -> NDArray[np.bool_]:
    """Return which of the rows of `train`, followed by those of `inner`, are held out to choose a penalty, (n,)."""
    if inner is not None:
        given: NDArray[np.bool_] = np.arange(train + inner) >= train
        return given
    drawn: NDArray[np.bool_] = np.random.default_rng(seed).permutation(train) % HELD == 0
    return drawn


def chosen(
    inputs: Any, train: Examples, held: NDArray[np.bool_], class_weights: bool, threads: int, log: TaskLog
) -> float:
    """Return the strength of `STRENGTHS` by which the other rows predict the held ones best.

    Parameters
    ----------
    inputs : (n, v) array or CSR matrix
    held : (n,) bool
    """
    assert train.targets is not None
    learned, asked = np.flatnonzero(~held), np.flatnonzero(held)
    # a class that only held rows have tells nothing about the penalty
    asked = asked[np.isin(train.targets[asked], train.targets[learned])]
    others, shown, questions = train.take(learned), inputs[learned], inputs[asked]
    best, least = STRENGTHS[0], np.inf
    if not len(asked) or len(np.unique(train.targets[learned])) < 2:
        log.note(f"too few training rows to choose a penalty on: C = {best:g}")
        return best
    model = _regression()
    for strength in STRENGTHS:
        # each starts from the weights of the one before
        arrays = _arrays(_fit(model, strength, shown, others, class_weights, threads), len(others))
        values = probabilities(questions, arrays, int(train.targets.max()) + 1)
        loss = float(-np.log(values[np.arange(len(asked)), train.targets[asked]]).mean())
        if loss >= least:
            break
        best, least = strength, loss
    log.note(f"penalty chosen on {len(asked)} held-out training rows: C = {best:g}, log loss {least:.4f}")
    return best


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=MOST_ITERATIONS, tol=TOLERANCE, warm_start=True)


def _fit(model: Any, strength: float, inputs: Any, train: Examples, class_weights: bool, threads: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    model.set_params(C=strength)
    with threadpool_limits(limits=threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(inputs, train.targets, sample_weight=row_weights(train, class_weights))


def _arrays(model: Any, rows: int) -> dict[str, NDArray[Any]]:
    weights, intercept = model.coef_.T, model.intercept_
    if len(model.classes_) == 2:
        weights, intercept = np.hstack([-weights, weights]) / 2, np.append(-intercept, intercept) / 2
    return {
        "weights": weights.astype(np.float32),
        "intercept": intercept.astype(np.float64),
        "present": model.classes_.astype(np.int64),
        "rows": np.array(rows),
    }
