"""Ensemble selection: a blend grown one member at a time, by the very metric that it is scored with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Worth = Callable[[Floats], float]

ROUNDS = 40
"""Members that are added at most, after the first ones."""
PATIENCE = 10
"""Additions in a row without a gain after which the climb ends."""
BAGS = 10
"""Climbs whose weights are averaged, each over half of the members."""
FEWEST = 8
"""Members below which one climb sees them all: of a few, half would lack the best too often."""


def select(values: Floats, worth: Worth, seed: int = 0) -> Floats:
    """Select members with replacement; how often each was selected is its weight.

    Parameters
    ----------
    values : (m, n, k) float64
        Members' predictions.
    worth : callable
        ``worth((n, k)) -> float``; higher is better, NaN is worst.
    seed : int
        Of the halves.

    Returns
    -------
    (m,) float64
        At least 0, sum 1.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew, Ksikes 2004, Ensemble selection from libraries of models: selection with
    replacement, sorted initialisation, bagging of members.

    Examples
    --------
    >>> truth = np.array([[1.0], [2.0], [3.0]])
    >>> members = np.stack([truth + 1, truth - 1, truth + 9])
    >>> select(members, lambda mixed: -float(((mixed - truth) ** 2).mean())).tolist()
    [0.5, 0.5, 0.0]
    """
    m = len(values)
    alone = np.array([_number(worth(member)) for member in values])
    if m < FEWEST:
        return _climb(values, np.arange(m), alone, worth)
    rng = np.random.default_rng(seed)
    halves = [np.sort(rng.choice(m, (m + 1) // 2, replace=False)) for _ in range(BAGS)]
    weights: Floats = np.mean([_climb(values, half, alone, worth) for half in halves], axis=0)
    return weights


def _climb(values: Floats, pool: NDArray[np.int64], alone: Floats, worth: Worth) -> Floats:
    """Begin with the best few of a pool, then add whichever member helps most."""
    first = pool[np.argsort(-alone[pool], kind="stable")]
    counts, total, best = np.zeros(len(values)), values[first[0]], -np.inf
    chosen, start = 1, np.zeros(values.shape[1:])
    for size, member in enumerate(first, start=1):
        start = start + values[member]
        if (found := _number(worth(start / size))) > best:
            chosen, total, best = size, start, found
    counts[first[:chosen]] = 1
    kept, without = counts.copy(), 0
    for _ in range(ROUNDS):
        size = counts.sum() + 1
        gains = [_number(worth((total + values[member]) / size)) for member in pool]
        member = pool[int(np.argmax(gains))]
        counts[member] += 1
        total = total + values[member]
        without += 1
        if max(gains) > best:
            best, kept, without = max(gains), counts.copy(), 0
        if without == PATIENCE:
            break
    weights: Floats = kept / kept.sum()
    return weights


def _number(value: float) -> float:
    return -np.inf if np.isnan(value) else value
