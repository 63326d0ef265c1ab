"""Are the predictions true to their word: shares that come true, or values observed where they were predicted."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from harness.builtin._figures.curves import reliability
from harness.builtin._page.html import chart, dot, line, number, percent, ticks, words
from harness.data import LOWER, UPPER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.results import Scored

    Floats = NDArray[np.float64]

SIZE, LEFT, TOP, BARS = 380.0, 46.0, 10.0, 46.0
BINS = 10
ENOUGH = 10
"""Rows below which a point of the curve says nothing."""


def calibration(scored: Scored, classes: tuple[str, ...]) -> str:
    """Draw how predictions compare with what happened, and say it in a line.

    Parameters
    ----------
    scored : Scored
        The ranked set of the run.
    classes : tuple of str
        Empty for a regression.
    """
    if not classes:
        return _regression(scored)
    values, targets = scored.predictions.values, scored.targets
    weights = np.ones(len(targets)) if scored.weights is None else scored.weights
    if targets.ndim == 2:
        confidence, hit = values.ravel(), targets.ravel().astype(np.float64)
        weights, what = np.repeat(weights, values.shape[1]), "predicted probability of a label"
    elif len(classes) == 2:
        confidence, hit, what = (
            values[:, 1],
            (targets == 1).astype(np.float64),
            f"predicted probability of {classes[1]}",
        )
    else:
        confidence, what = values.max(axis=1), "probability of the likeliest class"
        hit = (values.argmax(axis=1) == targets).astype(np.float64)
    # the metric `ece` is of the likeliest class in a binary task too, where too much and too little may cancel
    of = f" (of {classes[1]})" if targets.ndim == 1 and len(classes) == 2 else ""
    return _classes(np.clip(confidence, 0, 1), hit, weights, what, of)


def _classes(confidence: Floats, hit: Floats, weights: Floats, what: str, of: str) -> str:
    curve = reliability(confidence, hit, weights)

    def x(value: float) -> float:
        return LEFT + value * (SIZE - LEFT - 22)

    def y(value: float) -> float:
        return TOP + (1 - value) * (SIZE - LEFT - 22)

    parts = _frame(x, y, [0, 0.2, 0.4, 0.6, 0.8, 1.0], lambda tick: percent(tick))
    parts.append(line(x(0), y(0), x(1), y(1), "ref"))
    sure = curve.effective >= ENOUGH
    points = list(zip(curve.predicted, curve.observed, curve.low, curve.high, curve.effective, strict=True))
    path = " ".join(f"{x(p):.1f},{y(o):.1f}" for (p, o, *_), seen in zip(points, sure, strict=True) if seen)
    parts.append(f'<polyline points="{path}" class="path"/>')
    for p, o, low, high, rows in points:
        if rows >= ENOUGH:
            told = f"predicted {percent(p, 1)}, observed {percent(o, 1)} ({rows:,.0f} rows)"
            parts += [line(x(p), y(low), x(p), y(high), "bar"), dot(x(p), y(o), 4, "dot", told)]
    base = SIZE + BARS
    width = (x(1) - x(0)) / len(curve.rows)
    tallest = float(curve.rows.max()) or 1.0
    for place, share in enumerate(curve.rows):
        high = float(share) / tallest * (BARS - 8)
        parts.append(
            f'<rect x="{x(0) + place * width + 1:.1f}" y="{base - high:.1f}" width="{width - 2:.1f}"'
            f' height="{high:.1f}" class="fill"><title>{percent(float(share), 1)} of rows</title></rect>'
        )
    parts.append(words((x(0) + x(1)) / 2, base + 17, what, "p", "middle"))
    off = curve.mean_predicted - curve.mean_observed
    apart = f"{100 * abs(off):.1f} percentage points {'more' if off > 0 else 'less'} than"
    lean = "as much as" if abs(off) < 0.005 else apart
    told = f"Expected calibration error {curve.gap:.3f}{of}; on the whole {lean} what came true is predicted."
    caption = f"{told} Bars: 95% intervals; below, where the predictions lie."
    picture = chart("".join(parts), SIZE, base + 24, f"Reliability curve of the {what}. {told}")
    return picture + f"<p>{escape(caption)}</p>"


def _regression(scored: Scored) -> str:
    values, targets = scored.predictions.values, scored.targets.astype(np.float64)
    point = values[:, 0]
    known = np.isfinite(point) & np.isfinite(targets)
    if known.sum() < BINS:
        return ""
    point, truth = point[known], targets[known]
    order = np.argsort(point, kind="stable")
    groups = [rows for rows in np.array_split(order, BINS) if len(rows)]
    means = [(float(point[rows].mean()), float(truth[rows].mean()), _error(truth[rows]), len(rows)) for rows in groups]
    low = min(min(p, o - 2 * e) for p, o, e, _ in means)
    high = max(max(p, o + 2 * e) for p, o, e, _ in means)
    pad = 0.05 * (high - low) or 1.0
    low, high = low - pad, high + pad

    def x(value: float) -> float:
        return LEFT + (value - low) / (high - low) * (SIZE - LEFT - 22)

    def y(value: float) -> float:
        return TOP + (1 - (value - low) / (high - low)) * (SIZE - LEFT - 22)

    parts = _frame(x, y, ticks(low, high), lambda tick: f"{tick:.4g}")
    parts.append(line(x(low), y(low), x(high), y(high), "ref"))
    parts.append(f'<polyline points="{" ".join(f"{x(p):.1f},{y(o):.1f}" for p, o, _, _ in means)}" class="path"/>')
    for p, o, error, rows in means:
        parts.append(line(x(p), y(o - 1.96 * error), x(p), y(o + 1.96 * error), "bar"))
        parts.append(dot(x(p), y(o), 4, "dot", f"predicted {number(p)}, observed {number(o)} ({rows:,} rows)"))
    parts.append(words((x(low) + x(high)) / 2, SIZE - 2, "predicted", "p", "middle"))
    bias = float(point.mean() - truth.mean())
    told = f"Predictions are {number(abs(bias))} too {'high' if bias > 0 else 'low'} on average."
    columns = scored.predictions.columns
    if LOWER in columns and UPPER in columns:
        inside = (targets >= values[:, columns.index(LOWER)]) & (targets <= values[:, columns.index(UPPER)])
        told += f" Intervals hold {percent(float(inside.mean()), 1)} of the rows."
    picture = chart("".join(parts), SIZE, SIZE + 4, f"Observed against predicted means of {len(means)} groups. {told}")
    return picture + f"<p>{escape(told)} Dots: observed means of tenths of the rows by prediction, 95% intervals.</p>"


def _error(values: Floats) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def _frame(x, y, at, write) -> list[str]:  # type: ignore[no-untyped-def]
    left, right, bottom, top = x(at[0]), x(at[-1]), y(at[0]), y(at[-1])
    parts = []
    for tick in at:
        parts += [line(x(tick), bottom, x(tick), top, "grid"), line(left, y(tick), right, y(tick), "grid")]
        parts.append(words(x(tick), bottom + 16, write(tick), "p", "middle"))
        parts.append(words(left - 6, y(tick) + 4, write(tick), "p", "end"))
    return parts
