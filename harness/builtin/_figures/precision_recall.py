"""Precision-recall curves with what a blind guess would reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.builtin._figures.curves import PrecisionRecall, precision_recall
from harness.builtin._figures.sets import Shown
from harness.builtin._figures.style import CYCLE, GREY, PALE, drawing, escaped, percent, place, share, short

NAMED = 6
"""Classes drawn in colour; the others, easier ones, are thin and grey."""
GUESSES = 4
"""Up to so many classes the line of a blind guess is drawn; more of them only lie on each other."""


def draw(sets: list[Shown], classes: tuple[str, ...], strategy: str, path: Path) -> None:
    """Draw a curve per class for the first set; a binary task also shows the other sets' positive class.

    Parameters
    ----------
    sets : list of Shown
        The title tells of the first.
    """
    curves = {name: curve for name, curve in zip(classes, _curves(sets[0]), strict=True) if curve is not None}
    hardest = sorted(curves, key=lambda name: (curves[name].average, name))
    about = f"{escaped(strategy)} · {sets[0].about}"
    with drawing(_finding(curves, hardest), about, path) as figure:
        axes = place(figure, 0.72, 0.54, 2.3, 0.72)
        _iso_f1(axes)
        handles: list[Any] = []
        for name in hardest[NAMED:]:
            axes.plot(curves[name].recall, curves[name].precision, color=PALE, linewidth=0.9, zorder=2)
        for name, colour in zip(hardest[:NAMED], CYCLE, strict=False):
            handles.append(_draw_class(axes, name, curves[name], colour, len(curves) <= GUESSES))
        if len(classes) == 2 and classes[1] in curves:
            colour = CYCLE[hardest.index(classes[1])]
            handles += [_draw_other(axes, shown, colour, classes[1]) for shown in sets[1:]]
        axes.set(xlim=(0, 1), ylim=(0, 1.015), xlabel="recall", ylabel="precision")
        percent(axes.xaxis)
        percent(axes.yaxis)
        axes.legend(
            handles=[handle for handle in handles if handle is not None],
            loc="upper left",
            bbox_to_anchor=(1.13, 1.02),
            borderaxespad=0,
            handlelength=1.4,
            labelspacing=0.9,
            title=_key(len(hardest)),
            title_fontsize=8,
            alignment="left",
        )


def _curves(shown: Shown) -> list[PrecisionRecall | None]:
    truth, decided = shown.onehot(), shown.decisions
    return [
        precision_recall(truth[:, k], shown.values[:, k], None if decided is None else decided[:, k], shown.weights)
        for k in range(truth.shape[1])
    ]


def _draw_class(axes: Any, name: str, curve: PrecisionRecall, colour: str, guess: bool) -> Any:
    label = f"{escaped(short(name))}\nAP {curve.average:.3f}, share {share(curve.prevalence)}"
    if guess:
        axes.axhline(curve.prevalence, color=colour, linewidth=0.9, linestyle=(0, (2, 2)), alpha=0.6, zorder=2)
    (line,) = axes.plot(curve.recall, curve.precision, color=colour, linewidth=2, label=label, zorder=4)
    if curve.point is not None:
        axes.plot(*curve.point, "o", color=colour, markersize=7.5, markeredgecolor="white", zorder=5, clip_on=False)
    return line


def _draw_other(axes: Any, shown: Shown, colour: str, name: str) -> Any:
    curve = _curves(shown)[1]
    if curve is None:
        return None
    label = f"{escaped(short(name))}\n{shown.name}: AP {curve.average:.3f}"
    (line,) = axes.plot(
        curve.recall, curve.precision, color=colour, linewidth=1.5, linestyle=(0, (4, 1.5)), label=label, zorder=3
    )
    if curve.point is not None:
        axes.plot(*curve.point, "o", color="white", markersize=6, markeredgecolor=colour, zorder=5, clip_on=False)
    return line


def _iso_f1(axes: Any) -> None:
    for f1 in (0.2, 0.4, 0.6, 0.8):
        recall = np.linspace(f1 / 2 + 1e-3, 1, 60)
        precision = f1 * recall / (2 * recall - f1)
        seen = precision <= 1
        axes.plot(recall[seen], precision[seen], color="#e3e7eb", linewidth=0.8, zorder=1)
        axes.text(1.012, f1 / (2 - f1), f"F1 {f1:.1f}", color=GREY, size=7.5, va="center")


def _key(classes: int) -> str:
    text = "dot: the decisions\n" + ("dots in a row: a blind guess\n" if classes <= GUESSES else "")
    return text + (f"grey: {classes - NAMED} easier classes\n" if classes > NAMED else "")


def _finding(curves: dict[str, PrecisionRecall], hardest: list[str]) -> str:
    if not hardest:
        return "No class occurs"
    name, curve = hardest[0], curves[hardest[0]]
    times = curve.average / curve.prevalence
    gain = f"{times:.1f} times a blind guess" if times < 9.95 else f"{times:.0f} times a blind guess"
    return f"Hardest class: {escaped(short(name))}, average precision {curve.average:.2f}, {gain}"
