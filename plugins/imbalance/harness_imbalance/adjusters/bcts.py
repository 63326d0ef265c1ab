"""Bias-corrected temperature scaling: a temperature and a bias per class, learned by log loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from harness.builtin.calibration import fit_temperature, scores_of
from harness.data import TaskType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METHODS = ("none", "bias", "temperature", "bcts")
"""Calibrations, simplest first."""
RIDGE = 1e-2
"""Penalty of half the squared biases, as if spread over the rows: keeps the bias of an absent class finite."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Probabilities become ``softmax(slope * log p + bias)``; `slope` is the inverse temperature, `bias` (k,)."""

    slope: float
    bias: Floats

    def apply(self, values: Floats) -> Floats:
        """Calibrate (n, k) probabilities."""
        result: Floats = softmax(self.slope * scores_of(values, TaskType.MULTICLASS) + self.bias, axis=1)
        return result


def calibrate(values: Floats, targets: NDArray[np.int64], how: str) -> Calibration:
    """Learn a calibration.

    Parameters
    ----------
    values : (n, k) float64
    targets : (n,) int64
    how : str
        ``none``, ``bias``, ``temperature`` or ``bcts``. After ``bias`` and ``bcts`` the mean prediction equals the
        class shares of `targets`, whatever shares the model was trained on.

    References
    ----------
    Alexandari, Kundaje and Shrikumar 2020, Maximum Likelihood with Bias-Corrected Calibration is Hard-To-Beat at
    Label Shift Adaptation.
    """
    k = values.shape[1]
    if how == "none":
        return Calibration(1.0, np.zeros(k))
    if how == "temperature":
        return Calibration(1 / fit_temperature(values, targets, None, TaskType.MULTICLASS), np.zeros(k))
    return _fit(scores_of(values, TaskType.MULTICLASS), targets, (1.0, 1.0) if how == "bias" else (0.0, 20.0))


def _fit(scores: Floats, targets: NDArray[np.int64], slopes: tuple[float, float]) -> Calibration:
    k = scores.shape[1]
    hits = np.eye(k)[targets]

    def loss(point: Floats) -> tuple[float, Floats]:
        logs = log_softmax(point[0] * scores + point[1:], axis=1)
        residual = np.exp(logs) - hits
        gradient = np.concatenate([[(residual * scores).sum()], residual.sum(axis=0) + RIDGE * point[1:]])
        total = -(logs * hits).sum() + RIDGE * float(point[1:] @ point[1:]) / 2
        return float(total / len(hits)), gradient / len(hits)

    start = np.concatenate([[1.0], np.zeros(k)])
    bounds: list[Any] = [slopes] + [(None, None)] * k
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500, "ftol": 1e-14, "gtol": 1e-8}
    )
    return Calibration(float(found.x[0]), found.x[1:])
