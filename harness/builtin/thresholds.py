"""Thresholds that maximise F1, found exactly by sorting; probabilities stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.data import TaskType, check_any
from harness.offers import AdjusterInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DEFAULT = 0.5
TINY = 1e-12
PASSES = 20
CUTS = 2000


def f1(hits: Any, predicted: Any, positive: Any) -> Any:
    """Return 2 TP / (predicted + positive), 0 where a class is neither predicted nor there; works on arrays."""
    total = np.asarray(predicted + positive, dtype=np.float64)
    return np.divide(2 * hits, total, out=np.zeros_like(total), where=total > TINY)


def best_cut(scores: Floats, positive: NDArray[np.bool_], weights: Floats, macro: bool) -> float:
    """Find the threshold t at which ``scores >= t`` has the highest F1.

    Parameters
    ----------
    scores, weights : (n,) float64
    positive : (n,) bool
    macro : bool
        Maximise the mean of both classes' F1 instead of the positive one's.

    Returns
    -------
    float
        Halfway between two scores; among equals the nearest to 0.5.
    """
    order = np.argsort(-scores, kind="stable")
    taken, hits = _running(weights[order]), _running((weights * positive)[order])
    value = f1(hits, taken, hits[-1])
    if macro:
        left, negatives = taken[-1] - taken, taken[-1] - hits[-1]
        value = (value + f1(left - (hits[-1] - hits), left, negatives)) / 2
    return _threshold(scores[order], value, DEFAULT)


def class_thresholds(values: Floats, targets: NDArray[np.int64], weights: Floats) -> Floats:
    """Find thresholds t (k,) such that ``argmax(values / t)`` has a high macro F1.

    One class at a time is set to its best threshold given the others until nothing improves; the better of two starts
    is kept: all equal, and the class shares.

    Parameters
    ----------
    values : (n, k) float64
    targets : (n,) int64
    weights : (n,) float64

    Returns
    -------
    (k,) float64
        Scaled so that the largest is 1.
    """
    k = values.shape[1]
    shares = np.bincount(targets, weights, minlength=k) / weights.sum()
    found = [_climb(values, targets, weights, start) for start in (np.ones(k), np.maximum(shares, TINY))]
    thresholds, _ = max(found, key=lambda pair: pair[1])
    scaled: Floats = thresholds / thresholds.max()
    return scaled


def label_thresholds(values: Floats, targets: NDArray[Any], weights: Floats, per_class: bool) -> Floats:
    """Find multilabel thresholds (k,): each class's own best F1, or one for all with the best macro F1.

    The one for all is looked for among at most `CUTS` quantiles of the values.
    """
    k = values.shape[1]
    if per_class:
        return np.array([best_cut(values[:, j], targets[:, j] == 1, weights, macro=False) for j in range(k)])
    cuts = np.unique(values)
    if len(cuts) > CUTS:
        cuts = np.unique(np.quantile(values, np.linspace(0, 1, CUTS), method="inverted_cdf"))
    total = np.zeros(len(cuts))
    for j in range(k):
        order = np.argsort(-values[:, j], kind="stable")
        taken, hits = _running(weights[order]), _running((weights * (targets[:, j] == 1))[order])
        rows = np.searchsorted(-values[order, j], -cuts, side="right")
        total += f1(hits[rows], taken[rows], hits[-1])
    good = cuts[total >= total.max() - TINY]
    return np.full(k, good[np.argmin(np.abs(good - DEFAULT))])


def macro_f1(decided: NDArray[np.int64], targets: NDArray[np.int64], weights: Floats, k: int) -> float:
    """Return the mean over all k classes of the weighted F1 of decided classes (n,)."""
    hits = np.bincount(targets[decided == targets], weights[decided == targets], minlength=k)
    predicted, positive = np.bincount(decided, weights, minlength=k), np.bincount(targets, weights, minlength=k)
    return float(f1(hits, predicted, positive).mean())


def _running(amounts: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(amounts)])


def _threshold(falling: Floats, value: Floats, near: float) -> float:
    """Choose the cut: `value[i]` is the score where the first i of the `falling` scores are taken."""
    upper = np.concatenate([[np.nextafter(falling[0], np.inf)], falling])
    lower = np.concatenate([falling, [falling[-1]]])
    middle = lower + (upper - lower) / 2
    middle = np.where(middle > lower, middle, upper)  # neighbouring floats have nothing between them
    possible = upper > lower
    possible[-1] = True
    best = value[possible].max()
    good = middle[possible & (value >= best - TINY)]
    return float(good[np.argmin(np.abs(good - near))])


def _climb(values: Floats, targets: NDArray[np.int64], weights: Floats, start: Floats) -> tuple[Floats, float]:
    k = len(start)
    thresholds = start.copy()
    floored = np.maximum(values, TINY)
    best = macro_f1(np.argmax(floored / thresholds, axis=1), targets, weights, k)
    for _ in range(PASSES):
        before = best
        for column in range(k):
            trial = thresholds.copy()
            trial[column] = _best_of_class(floored, targets, weights, thresholds, column)
            score = macro_f1(np.argmax(floored / trial, axis=1), targets, weights, k)
            if score > best + TINY:
                thresholds, best = trial, score
        if best <= before + TINY:
            break
    return thresholds, best


def _best_of_class(
    values: Floats, targets: NDArray[np.int64], weights: Floats, thresholds: Floats, column: int
) -> float:
    """Return the best threshold of one class, the others fixed: rows join it in order of their ratio to the rest."""
    ratios = values / thresholds
    ratios[:, column] = -np.inf
    rival = np.argmax(ratios, axis=1)
    scores = values[:, column] / ratios[np.arange(len(values)), rival]
    order = np.argsort(-scores, kind="stable")
    truth, rest, mass = targets[order], rival[order], weights[order]
    own = _running(mass * (truth == column))
    value = f1(own, _running(mass), own[-1])
    for other in range(len(thresholds)):
        if other != column:
            lost = _running(mass * (rest == other))
            hits = _running(mass * ((rest == other) & (truth == other)))
            value = value + f1(hits[-1] - hits, lost[-1] - lost, mass[truth == other].sum())
    return _threshold(scores[order], value, float(thresholds[column]))


class Thresholds:
    """Decisions at tuned thresholds; the probabilities themselves stay unchanged.

    Binary: a threshold on the positive class. Multi-class: the class with the largest probability relative to its
    threshold. Multilabel: every class at or above its threshold, none if there is none.
    """

    def __init__(self, task: TaskType, classes: Sequence[str], metric: str, per_class: bool) -> None:
        self.notes: list[str] = []
        self._task, self._classes = task, tuple(classes)
        self._metric, self._per_class = metric, per_class
        self._thresholds: Floats = np.full(1 if task is TaskType.BINARY else len(self._classes), DEFAULT)

    def fit(self, oof: AdjusterInput) -> None:
        """Tune on out-of-fold predictions."""
        check_any(oof.values, "adjuster 'threshold'")
        weights = np.ones(len(oof.values)) if oof.weights is None else oof.weights
        if self._task is TaskType.BINARY:
            cut = best_cut(oof.values[:, 1], oof.targets == 1, weights, macro=self._metric == "macro_f1")
            self._thresholds = np.array([cut])
            self.notes = [f"threshold {cut:.4f} on {self._classes[1]!r} maximises {self._metric}"]
            return
        if self._task is TaskType.MULTICLASS:
            self._thresholds = class_thresholds(oof.values, oof.targets, weights)
        else:
            self._thresholds = label_thresholds(oof.values, oof.targets, weights, self._per_class)
        low, high = self._thresholds.min(), self._thresholds.max()
        self.notes = [f"{len(self._thresholds)} class thresholds from {low:.4g} to {high:.4g} maximise macro_f1"]

    def apply(self, values: Floats, reference: Floats | None, meta: Any = None) -> Floats:  # noqa: ARG002
        """Return (n, k) values as they are."""
        return values

    def decide(self, values: Floats) -> Floats | None:
        """Return decisions (n, k) in {0, 1}."""
        if self._task is TaskType.MULTILABEL:
            decided: Floats = (values >= self._thresholds).astype(np.float64)
            return decided
        if self._task is TaskType.BINARY:
            chosen = (values[:, 1] >= self._thresholds[0]).astype(np.int64)
        else:
            chosen = np.argmax(np.maximum(values, TINY) / self._thresholds, axis=1)
        one_hot: Floats = np.eye(values.shape[1])[chosen]
        return one_hot

    def state(self) -> dict[str, Any]:
        """Return the thresholds."""
        return {"thresholds": self._thresholds.tolist(), "notes": list(self.notes)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._thresholds = np.array(state["thresholds"], dtype=np.float64)
        self.notes = list(state["notes"])
