"""The figure of scores by identity to the nearest training sequence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.builtin._figures.style import BLUE, GREY, INK, PALE, RED, drawing, escaped, percent, place

if TYPE_CHECKING:
    import pandas as pd

SIZE = (7.6, 3.8)
"""Inches."""
FEW = 10
"""Rows below which a band says little: its dot is hollow."""


def draw(table: pd.DataFrame, about: str, path: Path) -> None:
    """Draw accuracy and log loss by band, with one standard error to each side and the number of sequences.

    Parameters
    ----------
    table : DataFrame
        From `harness_protein.report.bands.band_table`.
    """
    seen = table[table["rows"] > 0].reset_index(drop=True)
    with drawing(_finding(seen), f"{escaped(about)} · bars: one standard error", path, SIZE) as figure:
        half = SIZE[0] / 2
        sides = ((0.62, half + 0.08), (half + 0.62, 0.22))
        kinds = (("accuracy", "accuracy", BLUE), ("log_loss", "log loss", RED))
        for (left, right), (column, label, colour) in zip(sides, kinds, strict=True):
            axes = place(figure, left, 0.8, right, 0.86)
            _panel(axes, seen, column, colour)
            axes.set_title(label, loc="left", size=9.5, color=INK)
            if column == "accuracy":
                percent(axes.yaxis)
        across = "identity to the nearest training sequence, estimated from shared k-mers"
        figure.text(0.5, 0.12 / SIZE[1], across, ha="center", size=9, color=GREY)


def _panel(axes: Any, seen: pd.DataFrame, column: str, colour: str) -> None:
    values, spread = seen[column].to_numpy(), np.nan_to_num(seen[f"{column}_se"].to_numpy())
    many, at = seen["rows"].to_numpy() >= FEW, np.arange(len(seen))
    axes.plot(at, values, color=colour, lw=1.4, alpha=0.35, zorder=2)
    axes.vlines(at, values - spread, values + spread, color=colour, lw=2.4, alpha=0.4, zorder=3)
    axes.plot(at[many], values[many], "o", color=colour, ms=7, mec="white", zorder=4)
    axes.plot(at[~many], values[~many], "o", color="white", ms=6, mec=colour, zorder=4)
    axes.set_xticks(at, [f"{row.band}\n{row.rows:,}" for row in seen.itertuples()], size=8.5)
    axes.set_xlim(-0.5, len(seen) - 0.5)
    low, high = float((values - spread).min()), float((values + spread).max())
    margin = 0.12 * max(high - low, 0.02)
    top = high + margin if column == "log_loss" else min(high + margin, 1.02)
    axes.set_ylim(max(low - margin, 0), top)
    axes.grid(True, axis="y")
    axes.spines["bottom"].set_color(PALE)


def _finding(seen: pd.DataFrame) -> str:
    sure = seen[seen["rows"] >= FEW]
    if len(sure) < 2:
        return "Nearly all sequences are equally near to a training sequence"
    far, near = sure.iloc[0], sure.iloc[-1]
    return f"{near['accuracy']:.0%} are right at {_told(near)}, {far['accuracy']:.0%} at {_told(far)}"


def _told(band: pd.Series) -> str:
    """Name a band within a sentence."""
    name = str(band["band"])
    if name.startswith("<"):
        return f"less than {name[2:]} identity"
    return f"{name[2:]} identity or more" if name.startswith("≥") else f"{name} identity"
