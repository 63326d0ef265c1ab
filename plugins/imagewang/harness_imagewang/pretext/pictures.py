"""The picture of a batch: a row for each image, a column for what goes in, what is wanted, what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.neural.pictures import INK
from harness_imagewang.pretext.answers import inks_of, told

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
        figure.suptitle(f"{about}: {told(columns, count)}", x=0.01, ha="left", color=INK, fontsize=10)
    axes = figure.subplots(len(columns), count, squeeze=False, height_ratios=heights)
    for column, line in zip(columns, axes, strict=True):
        line[0].set_ylabel(column.title, rotation=0, ha="right", va="center", color=INK, fontsize=9, labelpad=6)
        inks = inks_of(columns, column)
        for number, axis in enumerate(line):
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if isinstance(column.cells, list):
                axis.text(0.5, 0.5, column.cells[number], ha="center", va="center", color=inks[number], fontsize=8)
            else:
                axis.imshow(column.cells[number].detach().float().cpu().clamp(0, 1).permute(1, 2, 0).numpy())
    return figure
