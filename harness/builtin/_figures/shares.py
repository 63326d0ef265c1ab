"""Class shares of the training rows before and after rebalancing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.builtin._figures.style import BLUE, GREY, INK, PALE, drawing, escaped, percent, place, share, short
from harness.data import DatasetInfo
from harness.results import FoldResult

LIMIT = 20
Floats = NDArray[np.float64]


def draw(folds: Sequence[FoldResult], info: DatasetInfo, strategy: str, path: Path) -> None:
    """Draw the mean over folds; the second bar only where rebalancing changed anything."""
    classes = info.shown_classes
    before, after = (_mean(folds, side, info.classes) for side in ("counts_before", "counts_after"))
    changed = not np.allclose(before, after)
    shown = np.argsort(-before, kind="stable")[:LIMIT]
    height = 1.5 + max(2, len(shown)) * (0.62 if len(shown) <= 8 else 0.34)
    rest = f", {LIMIT} most frequent of {len(classes)} classes" if len(classes) > LIMIT else ""
    of = f"a fold, mean over {len(folds)} folds" if len(folds) > 1 else "the one fold"
    about = f"{escaped(strategy)} · rows given to the model in {of}{rest}"
    with drawing(_finding(before, after, classes, changed), about, path, (6.4, height)) as figure:
        names = [escaped(short(classes[k], 24)) for k in shown]
        axes = place(figure, 0.3 + 0.082 * max(map(len, names)), 0.5, 1.5, 0.85 if changed else 0.7)
        _bars(axes, before[shown], after[shown], changed)
        axes.set_yticks(range(len(shown)), names)
        axes.tick_params(axis="y", colors=INK)
        axes.set(ylim=(len(shown) - 0.45, -0.55), xlabel="share of their weight")
        axes.xaxis.label.set_color(GREY)
        axes.grid(True, axis="x")
        axes.spines["bottom"].set_visible(False)
        percent(axes.xaxis)
        if changed:
            axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, borderaxespad=0, handlelength=0.9)


def _mean(folds: Sequence[FoldResult], side: str, classes: tuple[str, ...]) -> Floats:
    counts = [[getattr(fold, side).get(name, 0.0) for name in classes] for fold in folds]
    return np.asarray(np.mean(counts, axis=0), dtype=np.float64)


def _bars(axes: Any, before: Floats, after: Floats, changed: bool) -> None:
    places = np.arange(len(before))
    sides = [(before, "before", PALE), (after, "after", BLUE)] if changed else [(before, "before", BLUE)]
    height = 0.76 / len(sides)
    size = 8.5 if len(before) <= 8 else 7
    widest = max(float((counts / max(counts.sum(), 1e-300)).max()) for counts, _, _ in sides)
    for position, (counts, label, colour) in enumerate(sides):
        parts = counts / max(counts.sum(), 1e-300)
        where = places + (position - (len(sides) - 1) / 2) * height
        axes.barh(where, parts, height * 0.92, color=colour, label=f"{label} rebalancing")
        for y, part, count in zip(where, parts, counts, strict=True):
            axes.text(part + 0.012 * widest, y, f"{share(part)}  ({count:,.0f})", size=size, color=GREY, va="center")
    axes.set_xlim(0, widest)


def _finding(before: Floats, after: Floats, classes: tuple[str, ...], changed: bool) -> str:
    first, second = before / max(before.sum(), 1e-300), after / max(after.sum(), 1e-300)
    present = np.where(before >= 0.5, first, np.inf)
    rarest = int(np.argmin(present))
    name = escaped(short(classes[rarest]))
    if not changed:
        return f"No row was added or left out: {name} has {share(float(first[rarest]))}"
    if np.allclose(first, second):
        return f"Shares unchanged, weight {after.sum() / before.sum():.2f} times as large"
    return f"Rebalancing moves {name} from {share(float(first[rarest]))} to {share(float(second[rarest]))}"
