"""Answers in words: which are right, by colour and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.neural.pictures import INK, TRAIN, VALID

if TYPE_CHECKING:
    from harness_imagewang.pretext.protocol import Column


def told(columns: Sequence[Column], count: int) -> str:
    """Return what a picture of so many images shows: how many answers in words are right, else its rows by name."""
    for column in columns:
        inks = inks_of(columns, column)[:count]
        if TRAIN in inks or VALID in inks:
            return f"{inks.count(TRAIN)} of these {count} right (blue), {inks.count(VALID)} wrong (orange)"
    return ", ".join(column.title for column in columns)


def inks_of(columns: Sequence[Column], column: Column) -> list[str]:
    """Return a colour for each cell: of predictions, one for those that are as the target and one for others."""
    wanted = next((one.cells for one in columns if one.title == "target"), None)
    if column.title != "prediction" or not isinstance(wanted, list) or not isinstance(column.cells, list):
        return [INK] * len(column.cells)
    return [TRAIN if one == other else VALID for one, other in zip(column.cells, wanted, strict=True)]
