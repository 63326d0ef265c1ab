"""Calibration learned from out-of-fold predictions: temperature scaling and isotonic regression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logit, softmax

from harness.data import TaskType, check_any
from harness.offers import AdjusterInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FLOOR = 1e-15
"""Probabilities are kept this far from 0 and 1 before a logarithm is taken."""
BOUNDS = (0.05, 20.0)
"""Range of a temperature; at either end predictions are all but decisions, or all but uniform."""


def scores_of(values: Floats, task: TaskType) -> Floats:
    """Return what a temperature divides: log-probabilities, or logits for a multilabel task, (n, k)."""
    clipped = np.clip(values, FLOOR, 1 - FLOOR)
    scores: Floats = np.log(clipped) if task.single_label else logit(clipped)
    return scores


def fit_temperature(values: Floats, targets: NDArray[Any], weights: Floats | None, task: TaskType) -> float:
    """Find the temperature that minimises log loss.

    Parameters
    ----------
    values : (n, k) float64
        Probabilities.
    targets : array
        Shape by `TaskType`.
    weights : (n,) float64 or None

    Returns
    -------
    float
        Above 1 where the model is too sure of itself; within `BOUNDS`.

    References
    ----------
    Guo et al. 2017, On Calibration of Modern Neural Networks.
    """
    scores = scores_of(values, task)

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        if task.single_label:
            rows = -log_softmax(scaled, axis=1)[np.arange(len(targets)), targets]
        else:
            rows = (np.logaddexp(0.0, scaled) - targets * scaled).mean(axis=1)
        return float(np.average(rows, weights=weights))

    low, high = np.log(BOUNDS)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x))


def scale(values: Floats, temperature: float, task: TaskType) -> Floats:
    """Return probabilities (n, k) at the given temperature."""
    scaled = scores_of(values, task) / temperature
    result: Floats = softmax(scaled, axis=1) if task.single_label else 1 / (1 + np.exp(-scaled))
    return result


class Temperature:
    """One temperature for all classes; keeps the order of classes within a row."""

    def __init__(self, task: TaskType) -> None:
        self.notes: list[str] = []
        self._task = task
        self._temperature = 1.0

    def fit(self, oof: AdjusterInput) -> None:
        """Find the temperature on out-of-fold predictions."""
        check_any(oof.values, "adjuster 'temperature'")
        self._temperature = fit_temperature(oof.values, oof.targets, oof.weights, self._task)
        self.notes = [f"temperature {self._temperature:.3f}"]

    def apply(self, values: Floats, reference: Floats | None, meta: Any = None) -> Floats:  # noqa: ARG002
        """Scale (n, k) probabilities; `reference` is not used."""
        return scale(values, self._temperature, self._task)

    def decide(self, values: Floats) -> Floats | None:  # noqa: ARG002
        """Leave decisions to the default."""
        return None

    def state(self) -> dict[str, Any]:
        """Return the temperature."""
        return {"temperature": self._temperature, "notes": list(self.notes)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._temperature = float(state["temperature"])
        self.notes = list(state["notes"])


class Isotonic:
    """A rising step function per class, one class against the rest; rows of single-label tasks are rescaled to 1.

    Each curve also learns from one made-up row at either end with the outcome that is not expected there: an end of m
    rows that never met the class says 1 / (m + 1) instead of 0, and a log loss stays finite.

    References
    ----------
    Zadrozny and Elkan 2002, Transforming classifier scores into accurate multiclass probability estimates.
    """

    def __init__(self, task: TaskType) -> None:
        self.notes: list[str] = []
        self._task = task
        self._knots: list[tuple[Floats, Floats]] = []

    def fit(self, oof: AdjusterInput) -> None:
        """Fit one curve per class."""
        from sklearn.isotonic import IsotonicRegression

        check_any(oof.values, "adjuster 'isotonic'")
        n, k = oof.values.shape
        weights = np.ones(n) if oof.weights is None else oof.weights
        mass = np.append(weights, [weights.mean()] * 2)
        hits = oof.targets[:, None] == np.arange(k) if self._task.single_label else oof.targets
        self._knots = []
        for column in range(k):
            scores = oof.values[:, column]
            curve = IsotonicRegression(out_of_bounds="clip")
            curve.fit(np.append(scores, [scores.min(), scores.max()]), np.append(hits[:, column], [1.0, 0.0]), mass)
            self._knots.append((curve.X_thresholds_, curve.y_thresholds_))
        self.notes = [f"isotonic curves of {', '.join(str(len(x)) for x, _ in self._knots)} knots from {n} rows"]

    def apply(self, values: Floats, reference: Floats | None, meta: Any = None) -> Floats:  # noqa: ARG002
        """Map (n, k) probabilities; `reference` is not used."""
        mapped = np.column_stack([np.interp(values[:, j], x, y) for j, (x, y) in enumerate(self._knots)])
        if self._task.single_label:
            mapped /= mapped.sum(axis=1, keepdims=True)
        return mapped

    def decide(self, values: Floats) -> Floats | None:  # noqa: ARG002
        """Leave decisions to the default."""
        return None

    def state(self) -> dict[str, Any]:
        """Return the knots of every curve."""
        return {"knots": [[x.tolist(), y.tolist()] for x, y in self._knots], "notes": list(self.notes)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._knots = [(np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)) for x, y in state["knots"]]
        self.notes = list(state["notes"])
