"""Predicted against actual, and residuals against predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.builtin._figures.sets import Shown
from harness.builtin._figures.style import GREY, INK, drawing, escaped, place

POINTS = 4000
"""Points drawn of each set; a scatter of more says no more."""

Floats = NDArray[np.float64]


def draw_actual(sets: list[Shown], unit: str, strategy: str, path: Path) -> None:
    """Draw predictions against actual values with the diagonal."""
    first, unit = sets[0], escaped(unit)
    actual, predicted = first.targets.astype(np.float64), first.values[:, 0]
    with drawing(_fit_finding(actual, predicted, first.weights), _about(sets, strategy), path) as figure:
        axes = place(figure, 0.85, 0.55, 0.2, 0.72)
        low, high = _range(np.concatenate([values for s in sets for values in (s.targets, s.values[:, 0])]))
        axes.plot([low, high], [low, high], color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
        for shown in reversed(sets):
            _scatter(axes, shown.targets.astype(np.float64), shown.values[:, 0], shown)
        axes.set(xlim=(low, high), ylim=(low, high), xlabel=f"actual {unit}", ylabel=f"predicted {unit}")
        axes.grid(True)
        if len(sets) > 1:
            axes.legend(loc="upper left", handletextpad=0.2)


def draw_residuals(sets: list[Shown], unit: str, strategy: str, path: Path) -> None:
    """Draw residuals (actual - predicted) against predictions, with the median and the middle 80% in ten bins."""
    first, unit = sets[0], escaped(unit)
    residual = first.targets - first.values[:, 0]
    with drawing(_residual_finding(residual, first.weights, unit), _about(sets, strategy), path) as figure:
        axes = place(figure, 0.85, 0.55, 0.2, 0.98)
        axes.axhline(0, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
        for shown in reversed(sets):
            _scatter(axes, shown.values[:, 0], shown.targets - shown.values[:, 0], shown)
        _band(axes, first.values[:, 0], residual)
        low, high = _range(residual)
        left, right = _range(first.values[:, 0])
        axes.set(xlim=(left, right), ylim=(low, high))
        axes.set(xlabel=f"predicted {unit}", ylabel=f"actual - predicted {unit}")
        axes.grid(True)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), handletextpad=0.5, ncols=4, borderaxespad=0.2)


def _about(sets: list[Shown], strategy: str) -> str:
    n = len(sets[0].targets)
    return f"{escaped(strategy)} · {sets[0].about}" + (f" ({POINTS:,} drawn)" if n > POINTS else "")


def _scatter(axes: Any, x: Floats, y: Floats, shown: Shown) -> None:
    step = max(1, -(-len(x) // POINTS))
    alpha = 0.55 if len(x) < 500 else 0.28
    axes.scatter(x[::step], y[::step], s=13, color=shown.colour, alpha=alpha, linewidths=0, label=shown.name, zorder=2)


def _band(axes: Any, predicted: Floats, residual: Floats, bins: int = 10) -> None:
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part) >= 5]
    if not parts:
        return
    centres = [float(np.median(predicted[part])) for part in parts]
    low, middle, high = np.transpose([np.quantile(residual[part], [0.1, 0.5, 0.9]) for part in parts])
    axes.plot(centres, low, color=INK, linewidth=1, linestyle=(0, (3, 2)), zorder=4, label="middle 80%")
    axes.plot(centres, high, color=INK, linewidth=1, linestyle=(0, (3, 2)), zorder=4)
    axes.plot(centres, middle, color=INK, linewidth=1.8, zorder=4, label="median")


def _range(values: Floats) -> tuple[float, float]:
    # a single wild value must not press the rest into a corner: the outer 0.2% may leave the frame
    low, high = np.quantile(values, [0.002, 0.998]) if len(values) > 500 else (values.min(), values.max())
    gap = 0.04 * (high - low) or 1.0
    return float(low - gap), float(high + gap)


def _fit_finding(actual: Floats, predicted: Floats, weights: Floats) -> str:
    mean = np.average(actual, weights=weights)
    spread = float(np.average((actual - mean) ** 2, weights=weights))
    error = float(np.average((actual - predicted) ** 2, weights=weights))
    rmse = f"RMSE {error**0.5:.4g}"
    if spread == 0:
        return f"All actual values are equal; {rmse}"
    explained = 1 - error / spread
    if explained <= 0:
        return f"No better than the mean: {rmse} against {spread**0.5:.4g}"
    return f"Explains {100 * explained:.0f}% of the variance; {rmse} against {spread**0.5:.4g} of the mean"


def _residual_finding(residual: Floats, weights: Floats, unit: str) -> str:
    bias = float(np.average(residual, weights=weights))
    low, high = np.quantile(residual, [0.1, 0.9])
    size = float(np.average(np.abs(residual), weights=weights))
    if size > 0 and abs(bias) > 0.15 * size:
        return f"Predicts {abs(bias):.3g} {unit} too {'low' if bias > 0 else 'high'} on average; MAE {size:.3g}"
    return f"Centred; 8 in 10 residuals lie between {low:.3g} and {high:+.3g}; MAE {size:.3g}"
