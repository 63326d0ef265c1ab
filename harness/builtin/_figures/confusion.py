"""Confusion matrix of the decisions, at the thresholds the adjuster tuned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from harness.builtin._figures.curves import Confusion, confusion
from harness.builtin._figures.sets import Shown
from harness.builtin._figures.style import BLUE, GREY, INK, drawing, escaped, place, share, short

BLUES = LinearSegmentedColormap.from_list("harness_blues", ["#f6f8fa", "#9cc7e2", BLUE, "#00436b"])


def draw(sets: list[Shown], classes: tuple[str, ...], strategy: str, path: Path) -> None:
    """Draw the first set; rows are true classes, columns decisions, shades the share of a row."""
    shown = sets[0]
    assert shown.decisions is not None
    found = confusion(shown.targets, shown.decisions, shown.weights, classes)
    k = len(found.names)
    height = 4.4 if k <= 10 else 4.4 + 0.2 * (k - 10)
    about = f"{escaped(strategy)} · {shown.about} · {'shares and rows' if k <= 8 else 'percent'} of each true class"
    with drawing(_finding(found), about, path, (6.4, height)) as figure:
        names = [escaped(short(name, 24)) for name in found.names]
        columns = [escaped(short(name, 24)) for name in found.decided]
        slanted = k > 4 or max(map(len, columns)) * 0.1 > 4.6 / len(columns)
        left = 0.5 + 0.078 * max(map(len, names))
        axes = place(figure, left, 0.55 + (0.055 * max(map(len, columns)) if slanted else 0), 0.25, 0.78)
        axes.imshow(found.shares, cmap=BLUES, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(k), names)
        if slanted:
            for label in axes.get_xticklabels():
                label.set(rotation=40, ha="right", rotation_mode="anchor")
        axes.tick_params(colors=INK, labelsize=9.5 if k <= 12 else 8)
        axes.set_xlabel("decided", color=GREY)
        axes.set_ylabel("true", color=GREY)
        for spine in axes.spines.values():
            spine.set_visible(False)
        # white seams between cells
        axes.set_xticks(np.arange(len(columns) - 1) + 0.5, minor=True)
        axes.set_yticks(np.arange(k - 1) + 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=2 if k <= 12 else 1)
        axes.tick_params(which="minor", length=0)
        _write_cells(axes, found)


def _write_cells(axes: Any, found: Confusion) -> None:
    k = len(found.names)
    for row, column in np.argwhere(found.counts > 0):
        part, count = found.shares[row, column], found.counts[row, column]
        colour = "white" if part > 0.55 else INK
        if k > 8:
            axes.text(
                column,
                row,
                f"{100 * part:.0f}" if part >= 0.005 else "<1",
                color=colour,
                size=8 if k <= 14 else 7,
                ha="center",
                va="center",
            )
            continue
        big = 15 if k <= 3 else 11 if k <= 5 else 9
        gap = 0.06 if k <= 3 else 0.09
        axes.text(column, row - gap, share(part), color=colour, size=big, weight="bold", ha="center", va="center")
        axes.text(
            column, row + 2.2 * gap, f"{count:,.0f}", color=colour, size=max(big - 4, 7), ha="center", va="center"
        )


def _finding(found: Confusion) -> str:
    present = found.shares.sum(axis=1) > 0
    weakest = int(np.argmin(np.where(present, found.recall, np.inf)))
    name, recall = escaped(short(found.names[weakest])), share(float(found.recall[weakest]))
    if len(found.names) == 2 and {*found.decided} <= {*found.names, "none"}:
        return f"Finds {recall} of {name}; {share(float(found.precision[weakest]))} of the rows it calls {name} are"
    taken = found.shares[weakest].copy()
    taken[found.own[weakest]] = 0
    if taken.max() == 0:
        return "Every decision is right"
    other = escaped(short(found.decided[int(np.argmax(taken))]))
    return f"Weakest class: finds {recall} of {name}, takes {share(float(taken.max()))} for {other}"
