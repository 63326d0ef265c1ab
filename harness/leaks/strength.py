"""How well one property of a row alone predicts the target, out of fold, and whether chance could do as well.

A property is cut into bins, or its neighbours in order are looked up; what the other rows of a bin (of other folds)
have for a target is the prediction. Each row gains or loses against a prediction that knows only the shares of the
classes (the mean): in log loss for classes, in squared error of ranks for numbers. Under chance the mean gain is
negative, as predictions from few rows are noise; its t statistic over independent units (groups, where rows belong
together) gives the p value, which is conservative for that reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

BINS = 64
"""Bins of a number, at most; one in `PER_BIN` rows."""
PER_BIN = 10
TAILS = (0.001, 0.002, 0.005, 0.01)
"""Further quantiles at both ends, where a rare class may lie."""
CLASSES = 20
"""Classes that are told apart; the rarest share the last place."""
NEIGHBOURS = 2
"""Rows looked at on either side, where properties are an order."""
PRIOR = 1.0
"""Rows' worth of the class shares in every prediction."""
SURE = 1e-3
"""Chance of a false alarm in all that one check looks at."""
CLEAR = 0.6
"""AUC (or as much explained) from which a relation is worth telling."""


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be told, in a form that one scan reads.

    Attributes
    ----------
    values : (n,) int64 or float64
        Codes of classes, or ranks from -1 to 1.
    classes : int
        0: a number.
    name : str
        The label, where a row has several.
    """

    values: NDArray[Any]
    classes: int
    name: str = ""


@dataclass(frozen=True)
class Strength:
    """How well a property predicts.

    Attributes
    ----------
    share : float
        Of the target's uncertainty explained out of fold: R² of ranks, or 1 - log loss / log loss of the shares.
    auc : float or None
        Of the classes, one against the rest, each counted alike; None for numbers.
    p : float
        Chance that a property of no use does as well; one test.
    """

    share: float
    auc: float | None
    p: float

    @property
    def told(self) -> str:
        """The figure for people."""
        return f"R² {self.share:.3f} of ranks" if self.auc is None else f"AUC {self.auc:.3f}"

    @property
    def figure(self) -> tuple[str, float]:
        """Name and value of the figure."""
        return ("r2 of ranks", self.share) if self.auc is None else ("auc", self.auc)

    @property
    def clear(self) -> bool:
        """Whether it is large enough to be worth telling, whatever its p."""
        return self.share >= 0.05 if self.auc is None else self.auc >= CLEAR or self.share >= 0.1


NONE = Strength(0.0, None, 1.0)
Predict = Callable[["Target", "Codes", "Codes"], "Floats"]
"""Predicts the targets of the second rows from those of the first: (m, classes) probabilities, or (m, 1) ranks."""


def targets_of(values: NDArray[Any], labels: Sequence[str], single: bool) -> list[Target]:
    """Return what is to be told: one target, or one for each label that has ten rows on either side, 20 at most."""
    if values.ndim == 2:
        counts = values.sum(axis=0)
        usable = [int(at) for at in np.argsort(-counts) if 10 <= counts[at] <= len(values) - 10][:CLASSES]
        return [Target(values[:, at].astype(np.int64), 2, labels[at]) for at in usable]
    if not single:
        return [Target(2 * rank(values.astype(np.float64)) - 1, 0)]
    counts = np.bincount(values)
    order = np.argsort(-counts, kind="stable")
    place = np.empty(len(counts), dtype=np.int64)
    place[order] = np.minimum(np.arange(len(counts)), CLASSES - 1)
    return [Target(place[values], min(int((counts > 0).sum()), CLASSES))]


def rank(values: Floats) -> Floats:
    """Return the rank of each value between 0 and 1, ties at their middle; a missing one is in the middle of all."""
    from scipy.stats import rankdata

    known = ~np.isnan(values)
    out = np.full(len(values), 0.5)
    if known.any():
        out[known] = (rankdata(values[known]) - 0.5) / known.sum()
    return out


def binned(values: Floats) -> Codes:
    """Cut numbers into quantiles, missing ones apart."""
    known = values[~np.isnan(values)]
    wanted = int(np.clip(len(known) // PER_BIN, 2, BINS))
    unique = np.unique(known) if len(known) else known
    if len(unique) <= wanted:
        edges = unique[1:]
    else:
        tails = [*TAILS, *(1 - tail for tail in TAILS)] if wanted == BINS else []
        edges = np.unique(np.quantile(known, np.sort([*np.linspace(0, 1, wanted + 1)[1:-1], *tails])))
    codes: Codes = np.searchsorted(edges, values, side="right").astype(np.int64)
    codes[np.isnan(values)] = len(edges) + 1
    return codes


def by_bins(codes: Codes) -> Predict:
    """Predict with what other rows of the bin have."""
    size = int(codes.max(initial=0)) + 1

    def predict(target: Target, train: Codes, valid: Codes) -> Floats:
        counts = np.bincount(codes[train], minlength=size)[:, None] + PRIOR
        if not target.classes:
            mean = target.values[train].mean()
            sums = np.bincount(codes[train], target.values[train], minlength=size)[:, None]
            numbers: Floats = ((sums + PRIOR * mean) / counts)[codes[valid]]
            return numbers
        cells = codes[train] * target.classes + target.values[train]
        table = np.bincount(cells, minlength=size * target.classes).reshape(size, -1)
        shares: Floats = ((table + PRIOR * _prior(target, train)) / counts)[codes[valid]]
        return shares

    return predict


def by_neighbours(values: Floats) -> Predict:
    """Predict with what the nearest rows of the order have, two on either side."""

    def predict(target: Target, train: Codes, valid: Codes) -> Floats:
        order = train[np.argsort(values[train], kind="stable")]
        at = np.searchsorted(values[order], values[valid])
        near = np.clip(at[:, None] + np.arange(-NEIGHBOURS, NEIGHBOURS), 0, len(order) - 1)
        found = target.values[order[near]]
        if not target.classes:
            numbers: Floats = (found.sum(axis=1, keepdims=True) + target.values[train].mean()) / (2 * NEIGHBOURS + 1)
            return numbers
        counts = (found[:, :, None] == np.arange(target.classes)).sum(axis=1)
        shares: Floats = (counts + PRIOR * _prior(target, train)) / (2 * NEIGHBOURS + PRIOR)
        return shares

    return predict


def _prior(target: Target, train: Codes) -> Floats:
    counts = np.bincount(target.values[train], minlength=target.classes) + 0.5
    prior: Floats = counts / counts.sum()
    return prior


def strength(
    predict: Predict, target: Target, folds: Sequence[tuple[Codes, Codes]], units: Codes | None = None
) -> Strength:
    """Measure a property out of fold.

    Parameters
    ----------
    folds : sequence of (train, valid) positions
    units : (n,) int64 or None
        Rows of one unit are one observation, as those of a group.
    """
    gains, losses, rows, told = [], [], [], []
    for train, valid in folds:
        predicted, wanted = predict(target, train, valid), target.values[valid]
        if target.classes:
            at = np.arange(len(valid))
            before = -np.log(_prior(target, train)[wanted])
            after = -np.log(np.maximum(predicted[at, wanted], 1e-12))
        else:
            before = (wanted - target.values[train].mean()) ** 2
            after = (wanted - predicted[:, 0]) ** 2
        gains.append(before - after)
        losses.append(before)
        rows.append(valid)
        told.append(predicted)
    gain, where = np.concatenate(gains), np.concatenate(rows)
    total = float(np.concatenate(losses).sum())
    share = float(gain.sum()) / total if total > 0 else 0.0
    p = _p_value(gain, None if units is None else units[where])
    auc = None
    if target.classes:
        auc = _auc(np.concatenate(told), target.values[where], target.classes) if p < 0.05 else 0.5
    return Strength(share, auc, p)


def _p_value(gain: Floats, units: Codes | None) -> float:
    from scipy.stats import t

    if units is not None:
        found, codes = np.unique(units, return_inverse=True)
        gain = np.bincount(codes, gain, len(found)) / np.bincount(codes)
    if len(gain) < 5:
        return 1.0
    # one row more that loses as much as the median row gains: so few rows must not be sure for being all alike
    gain = np.append(gain, -abs(float(np.median(gain))))
    spread = float(gain.std(ddof=1))
    if spread == 0:
        return 1.0
    return float(t.sf(float(gain.mean()) / spread * math.sqrt(len(gain)), len(gain) - 1))


def _auc(told: Floats, wanted: Codes, classes: int) -> float:
    """ROC AUC of each class against the rest, their mean (binary: of the second)."""
    found = []
    for code in [1] if classes == 2 else range(classes):
        value = auc(told[:, code], wanted == code)
        if not math.isnan(value):
            found.append(value)
    return float(np.mean(found)) if found else 0.5


def auc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """ROC AUC by the rank sum of Mann and Whitney; NaN if a side is empty."""
    from scipy.stats import rankdata

    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return math.nan
    return float((rankdata(scores)[positive].sum() - n * (n + 1) / 2) / (n * m))


def best(found: Sequence[Strength]) -> Strength:
    """Return the surest of several looks at one property, its p corrected for their number."""
    chosen = min(found, key=lambda one: (one.p, -one.share))
    return Strength(chosen.share, chosen.auc, min(1.0, chosen.p * len(found)))
