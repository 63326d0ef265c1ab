"""What every peer does with classes: weights of training rows, and probabilities for classes they lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.data import Examples
from harness.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST = 1e-6
"""Probability that no class falls below."""


def texts(examples: Examples, who: str) -> list[str]:
    """Return the sequences.

    Raises
    ------
    DataError
        If the inputs are something else, a table say.
    """
    inputs = examples.inputs
    if getattr(inputs, "ndim", 1) != 1 or not all(isinstance(text, str) for text in inputs):
        raise DataError(f"{who} reads sequences; read them with the data source protein.sequences")
    return [str(text) for text in inputs]


def joined(train: Examples, inner: Examples) -> Examples:
    """Return the rows of both, those of `train` first; only ids, sequences, targets and weights."""
    parts = (train, inner)
    weights = None
    if any(part.weights is not None for part in parts):
        weights = np.concatenate([np.ones(len(part)) if part.weights is None else part.weights for part in parts])
    ids, inputs, targets = (
        np.concatenate([np.asarray(getattr(part, name)) for part in parts]) for name in ("ids", "inputs", "targets")
    )
    return Examples(ids, inputs, targets, weights=weights)


def row_weights(train: Examples, balanced: bool) -> Floats | None:
    """Return the weight of each training row (n,), each class weighing the same in total if `balanced`.

    Returns None where all rows weigh the same.
    """
    if not balanced:
        return train.weights
    assert train.targets is not None
    weights = np.ones(len(train)) if train.weights is None else train.weights
    totals = np.bincount(train.targets, weights)
    evened: Floats = weights / totals[train.targets] * weights.sum() / np.count_nonzero(totals)
    return evened


def completed(values: Floats, present: NDArray[np.int64], classes: int, rows: int) -> Floats:
    """Spread probabilities over all classes.

    Parameters
    ----------
    values : (n, m) probabilities of the classes that training saw
    present : (m,) the codes of these, sorted
    classes : int
        All classes, k.
    rows : int
        Training rows; a class that they lack gets one over this number and that of the classes.

    Returns
    -------
    (n, k) float64
        Rows sum to 1, and nothing is 0.

    Examples
    --------
    >>> completed(np.array([[0.75, 0.25]]), np.array([0, 2]), 3, 97)
    array([[0.7425, 0.01  , 0.2475]])
    """
    lacking = classes - len(present)
    unseen = 1 / (rows + classes)
    found = np.full((len(values), classes), unseen)
    found[:, present] = np.maximum(values, LEAST) * (1 - lacking * unseen)
    shares: Floats = found / found.sum(axis=1, keepdims=True)
    return shares
