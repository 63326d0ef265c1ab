"""Reliability curve: of the rows predicted with 30%, how many come true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.builtin._figures.curves import Reliability, reliability
from harness.builtin._figures.sets import Shown
from harness.builtin._figures.style import GREY, drawing, escaped, percent, place, share, short

ENOUGH = 10
"""Rows below which a bin says nothing: a faint dot, off the line."""


def draw(sets: list[Shown], classes: tuple[str, ...], strategy: str, path: Path) -> None:
    """Draw the positive class of a binary task, else the likeliest class of each row.

    Parameters
    ----------
    sets : list of Shown
        The title tells of the first.
    """
    binary = len(classes) == 2
    curves = [_curve(shown, binary) for shown in sets]
    about = f"{escaped(strategy)} · {sets[0].about}"
    with drawing(_finding(curves[0], classes), about, path) as figure:
        main = place(figure, 0.72, 1.42, 0.3, 0.72)
        below = place(figure, 0.72, 0.54, 0.3, 3.12)
        main.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for shown, curve in zip(sets, curves, strict=True):
            _draw_curve(main, shown, curve)
        _histogram(below, sets, curves)
        label = f"predicted probability of {escaped(short(classes[1]))}" if binary else "probability of likeliest class"
        below.set_xlabel(label)
        main.set_ylabel("observed share" if binary else "share that is right")
        main.set(xlim=(0, 1), ylim=(0, 1))
        main.tick_params(labelbottom=False)
        main.grid(True)
        below.tick_params(axis="x", pad=5)
        for axis in (main.yaxis, below.xaxis, below.yaxis):
            percent(axis)
        above = curves[0].mean_observed > curves[0].mean_predicted
        main.legend(loc="lower right" if above else "upper left", handlelength=1.6)


def _curve(shown: Shown, binary: bool) -> Reliability:
    if binary:
        return reliability(shown.values[:, 1], (shown.targets == 1).astype(np.float64), shown.weights)
    likeliest = shown.values.argmax(axis=1)
    right = (likeliest == shown.targets).astype(np.float64)
    return reliability(shown.values.max(axis=1), right, shown.weights)


def _draw_curve(axes: Any, shown: Shown, curve: Reliability) -> None:
    label = f"{shown.name}: ECE {curve.gap:.3f}"  # of what is drawn, as the page tells it
    sure = curve.effective >= ENOUGH
    dots = {"color": shown.colour, "marker": "o", "markersize": 4.5, "clip_on": False}
    axes.plot(curve.predicted[sure], curve.observed[sure], linewidth=1.8, label=label, zorder=3, **dots)
    axes.plot(curve.predicted[~sure], curve.observed[~sure], linewidth=0, alpha=0.35, zorder=2, **dots)
    axes.vlines(curve.predicted[sure], curve.low[sure], curve.high[sure], color=shown.colour, linewidth=1.1, alpha=0.45)


def _histogram(axes: Any, sets: list[Shown], curves: list[Reliability]) -> None:
    bins = len(curves[0].rows)
    width = 1 / bins / (len(curves) + 0.25)
    for position, (shown, curve) in enumerate(zip(sets, curves, strict=True)):
        left = np.arange(bins) / bins + 0.125 * width + position * width
        axes.bar(left, curve.rows, width * 0.92, align="edge", color=shown.colour)
    axes.set(xlim=(0, 1), ylabel="rows")
    axes.yaxis.label.set_color(GREY)
    axes.locator_params(axis="y", nbins=2)
    axes.set_xticks(np.linspace(0, 1, 6))


def _finding(curve: Reliability, classes: tuple[str, ...]) -> str:
    said, seen = share(curve.mean_predicted), share(curve.mean_observed)
    bias = curve.mean_predicted - curve.mean_observed
    if curve.gap < 0.02:
        return f"Probabilities can be taken at their word: off by {share(curve.gap)} on average"
    if len(classes) == 2:
        name = escaped(short(classes[1]))
        if abs(bias) > 0.5 * curve.gap:
            return f"{name} is predicted too {'often' if bias > 0 else 'rarely'}: {said} on average, {seen} observed"
        return f"{name}: {said} predicted, {seen} observed, but off by {share(curve.gap)} along the way"
    if abs(bias) > 0.5 * curve.gap:
        return f"{'Overconfident' if bias > 0 else 'Underconfident'}: says {said} on average, is right in {seen}"
    return f"Confidence is right on average ({said}), but off by {share(curve.gap)} along the way"
