"""Figures of prediction intervals: coverage by region, and intervals beside readings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.builtin._figures.style import (
    BLUE,
    GREY,
    INK,
    PALE,
    RED,
    SKY,
    drawing,
    escaped,
    percent,
    place,
    short,
)
from harness_airquality.coverage import ALL

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHOWN = 30
"""Regions drawn; of more, those covered worst."""
ROWS = 360
"""Rows drawn beside their intervals."""
WIDE = 7.6
"""Inches."""


def draw_coverage(table: pd.DataFrame, about: str, path: Path) -> None:
    """Draw the coverage of each region with its Wilson interval and a line at the nominal one.

    Parameters
    ----------
    table : DataFrame
        From `harness_airquality.coverage.coverage_table`.
    """
    whole, regions = table.iloc[0], table.iloc[1:].sort_values(["coverage", "n"])
    left_out = max(len(regions) - SHOWN, 0)
    rows = [row for _, row in regions.iloc[:SHOWN].iloc[::-1].iterrows()] + [whole]
    about = f"{escaped(about)} · bars: 95% Wilson" + (
        f" · {left_out} better covered regions not shown" if left_out else ""
    )
    size = (WIDE, 1.62 + 0.34 * len(rows))
    with drawing(_finding(table), about, path, size) as figure:
        axes = place(figure, 1.95, 0.52, 2.72, 0.92)
        nominal = float(whole["nominal"])
        axes.axvline(nominal, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        axes.text(nominal, len(rows) - 0.35, f"nominal {nominal:.0%}", color=GREY, size=8, ha="center", va="bottom")
        for position, row in enumerate(rows):
            _dot(axes, position, row)
        if len(rows) > 1:
            axes.axhline(len(rows) - 1.5, color=PALE, linewidth=0.8)
        _columns(axes, rows)
        low = min(float(table["low"].min()), nominal)
        axes.set(xlim=(max(0.0, np.floor((low - 0.03) * 20) / 20), 1.012), ylim=(-0.6, len(rows) - 0.4))
        axes.set(xlabel="readings inside their interval", yticks=range(len(rows)))
        axes.set_yticklabels([_name(row) for row in rows], color=INK)
        axes.get_yticklabels()[-1].set_fontweight("bold")
        axes.spines["left"].set_visible(False)
        axes.grid(True, axis="x")
        percent(axes.xaxis)


def draw_intervals(
    targets: Floats, point: Floats, lower: Floats, upper: Floats, unit: str, about: str, path: Path
) -> None:
    """Draw intervals in the order of their predictions, and the readings inside and outside of them.

    Parameters
    ----------
    targets, point, lower, upper : (n,) float64
    unit : str
        Of all four; "" where it is not known.
    """
    # equally spaced ranks show low and high levels in their own shares
    order = np.lexsort((targets, point))
    order = order[np.unique(np.linspace(0, len(order) - 1, min(ROWS, len(order))).round().astype(int))]
    drawn = f" ({len(order):,} drawn)" if len(order) < len(targets) else ""
    about = f"{escaped(about)} · {len(targets):,} rows{drawn}"
    with drawing(_interval_finding(targets, lower, upper, unit), about, path, (WIDE, 4.4)) as figure:
        axes = place(figure, 0.72, 0.52, 0.25, 0.98)
        rank = np.arange(len(order)) / max(len(order) - 1, 1)
        y, middle, low, high = (values[order] for values in (targets, point, lower, upper))
        inside = (low <= y) & (y <= high)
        axes.vlines(rank, low, high, color=SKY, alpha=0.45, linewidth=420 / max(len(order), 60), zorder=2)
        axes.plot(rank, middle, color=INK, linewidth=1.5, zorder=4, label="prediction")
        axes.scatter(rank[inside], y[inside], s=9, color=BLUE, linewidths=0, zorder=5, label="reading inside")
        axes.scatter(rank[~inside], y[~inside], s=15, color=RED, linewidths=0, zorder=6, label="reading outside")
        top = 1.06 * max(float(np.quantile(y, 0.995)), float(np.quantile(high, 0.98)))
        bottom = min(0.0, 1.05 * float(np.quantile(low, 0.01)), 1.05 * float(np.quantile(y, 0.002)))
        beyond = int((y > top).sum())
        axes.set(xlim=(-0.01, 1.01), ylim=(bottom, top), ylabel=escaped(unit))
        axes.set_xlabel("rows, by prediction" + (f" · {beyond} readings above the frame" if beyond else ""))
        axes.set_xticks([])
        axes.grid(True, axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, borderaxespad=0.2, handletextpad=0.3)


def _dot(axes: Any, position: int, row: pd.Series) -> None:
    off = row["high"] < row["nominal"]
    colour = RED if off else BLUE
    bold = row["region"] == ALL
    axes.plot([row["low"], row["high"]], [position] * 2, color=colour, linewidth=2.6 if bold else 1.8, alpha=0.4)
    axes.plot(row["coverage"], position, "o", color=colour, markersize=8.5 if bold else 7, markeredgecolor="white")


def _columns(axes: Any, rows: list[pd.Series]) -> None:
    heads = {1.17: "coverage", 1.375: "rows", 1.58: "places", 1.87: "mean width"}
    across = axes.get_yaxis_transform()
    for x, head in heads.items():
        axes.text(x, len(rows) - 0.35, head, transform=across, color=GREY, size=8, ha="right", va="bottom")
    for position, row in enumerate(rows):
        weight = "bold" if row["region"] == ALL else "normal"
        cells = (f"{row['coverage']:.1%}", f"{row['n']:,}", f"{row['places']:,}", f"{row['mean_width']:.3g}")
        for x, text in zip(heads, cells, strict=True):
            axes.text(x, position, text, transform=across, size=9, ha="right", va="center_baseline", weight=weight)


def _name(row: pd.Series) -> str:
    if row["region"] == ALL:
        return "all"
    name = f"{row['region']}, {row['country']}" if row["country"] else str(row["region"])
    return escaped(short(name, 26))


def _finding(table: pd.DataFrame) -> str:
    whole, regions = table.iloc[0], table.iloc[1:]
    text = f"Intervals of {whole['nominal']:.0%} cover {whole['coverage']:.1%}"
    if not len(regions):
        return text
    worst = regions.iloc[int(regions["coverage"].to_numpy().argmin())]
    return f"{text}; least in {escaped(short(str(worst['region'])))}, {worst['coverage']:.1%}"


def _interval_finding(targets: Floats, lower: Floats, upper: Floats, unit: str) -> str:
    above, below = float((targets > upper).mean()), float((targets < lower).mean())
    width = f"{np.median(upper - lower):.3g} {escaped(unit)}".strip()
    return f"Half of the intervals are wider than {width}; {above:.1%} of readings lie above, {below:.1%} below"
