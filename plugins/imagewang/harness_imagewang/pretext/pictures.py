"""The picture of a batch: a row for each image, a column for what goes in, what is wanted, what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.neural.pictures import INK, TRAIN, VALID

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from harness_imagewang.pretext.protocol import Column

CELL = 1.15
"""Height and width of a cell, inches."""


def batch_figure(columns: Sequence[Column], rows: int = 8, about: str = "") -> Figure:
    """Draw the first images of a batch, lying: a row for each column, so that the picture is as wide as a page.

    Of a prediction in words the colour tells whether it is right.

    Parameters
    ----------
    columns : sequence of Column
    rows : int
        Images that are drawn, at most.
    about : str
        Of what task and when, the beginning of the title; empty: no title.
    """
    from matplotlib.figure import Figure

    count = min(rows, *(len(column.cells) for column in columns))
    heights = [0.45 if isinstance(column.cells, list) else 1.0 for column in columns]
    title = 0.35 if about else 0.0
    figure = Figure(figsize=(CELL * count + 0.9, CELL * sum(heights) + title), layout="constrained")
    if about:
        told = f"{about}: {_told(columns, count)}"
        figure.suptitle(told, x=0.01, ha="left", color=INK, fontsize=10)
    axes = figure.subplots(len(columns), count, squeeze=False, height_ratios=heights)
    for column, line in zip(columns, axes, strict=True):
        line[0].set_ylabel(column.title, rotation=0, ha="right", va="center", color=INK, fontsize=9, labelpad=6)
        inks = _inks(columns, column)
        for number, axis in enumerate(line):
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if isinstance(column.cells, list):
                axis.text(0.5, 0.5, column.cells[number], ha="center", va="center", color=inks[number], fontsize=8)
            else:
                axis.imshow(column.cells[number].detach().float().cpu().clamp(0, 1).permute(1, 2, 0).numpy())
    return figure


def _told(columns: Sequence[Column], count: int) -> str:
    """Return what the picture shows: how many answers in words are right, else what is below what."""
    for column in columns:
        inks = _inks(columns, column)[:count]
        if TRAIN in inks or VALID in inks:
            return f"{inks.count(TRAIN)} of these {count} right (blue), {inks.count(VALID)} wrong (orange)"
    return ", ".join(column.title for column in columns)


def _inks(columns: Sequence[Column], column: Column) -> list[str]:
    """Return a colour for each cell: of predictions, one for those that are as the target and one for others."""
    wanted = next((one.cells for one in columns if one.title == "target"), None)
    if column.title != "prediction" or not isinstance(wanted, list) or not isinstance(column.cells, list):
        return [INK] * len(column.cells)
    return [TRAIN if one == other else VALID for one, other in zip(column.cells, wanted, strict=True)]
