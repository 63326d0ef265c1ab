"""Statistics of sliding windows over a line of cells, each of which holds the values of one time step.

A window is put together from halves of doubling length (as in a sparse table), so that its result depends on its own
cells alone: no running sum carries rounding, or the future, from one window into the next, and the work grows with the
logarithm of the window. Moments are joined by the pairwise formula of Chan, Golub and LeVeque 1983,
https://doi.org/10.1080/00031305.1983.10483115.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness_airquality.making.kind import Floats, Ints


@dataclass(frozen=True, eq=False)
class Moments:
    """Of the known values of each cell or window: how many, their mean, their squared distances from it, summed.

    Attributes
    ----------
    count, mean, spread : (n,) float64
        Mean and spread are 0 where the count is 0.
    """

    count: Floats
    mean: Floats
    spread: Floats

    def part(self, where: slice | Ints) -> Moments:
        """Return some of the cells."""
        return Moments(self.count[where], self.mean[where], self.spread[where])


def joined(one: Moments, other: Moments) -> Moments:
    """Return the moments of the values of both, cell by cell."""
    count = one.count + other.count
    share = other.count / np.maximum(count, 1.0)
    apart = other.mean - one.mean
    shift = apart * share
    apart *= shift
    apart *= one.count
    apart += one.spread
    apart += other.spread
    shift += one.mean
    return Moments(count, shift, apart)


def of_values(values: Floats) -> Moments:
    """Return the moments of single values; one that is missing or infinite counts as none."""
    known = np.isfinite(values)
    return Moments(known.astype(np.float64), np.where(known, values, 0.0), np.zeros(len(values)))


def in_cells(values: Floats, cells: Ints, length: int) -> Moments:
    """Gather values (n,) into cells, given by their increasing positions (n,)."""
    known = np.isfinite(values)
    kept, places = values[known], cells[known]
    count = np.bincount(places, minlength=length).astype(np.float64)
    mean = np.bincount(places, kept, minlength=length) / np.maximum(count, 1.0)
    spread = np.bincount(places, (kept - mean[places]) ** 2, minlength=length).astype(np.float64)
    return Moments(count, mean, spread)


def windows(cells: Moments, wanted: Sequence[tuple[int, int]], reach: int) -> list[Moments]:
    """Return the moments of windows around each cell but the outer `reach` on either side.

    Parameters
    ----------
    cells : Moments
        Of n cells.
    wanted : sequence of (int, int)
        Where a window begins, counted from its cell and not farther than `reach`, and how many cells it has.

    Returns
    -------
    list of Moments
        Of n - 2 reach windows, each.
    """
    inner = len(cells.count) - 2 * reach
    empty = np.zeros(inner)
    found = [Moments(empty, empty, empty)] * len(wanted)
    taken, size, table = [0] * len(wanted), 1, cells
    while any(size <= length for _, length in wanted):
        for index, (offset, length) in enumerate(wanted):
            if length & size:
                start = reach + offset + taken[index]
                part = table.part(slice(start, start + inner))
                found[index] = joined(found[index], part) if taken[index] else part
                taken[index] += size
        if any(2 * size <= length for _, length in wanted):
            table = joined(table.part(slice(0, -size)), table.part(slice(size, None)))
        size *= 2
    return found


def lowest(cells: Floats, wanted: Sequence[tuple[int, int]], reach: int) -> list[Floats]:
    """Return the smallest value of windows as `windows` takes them; infinite where there is none.

    Parameters
    ----------
    cells : (n,) float64
        Infinite where a cell is empty.
    """
    inner = len(cells) - 2 * reach
    found = [np.full(inner, np.inf) for _ in wanted]
    size, table = 1, cells
    while any(size <= length for _, length in wanted):
        for index, (offset, length) in enumerate(wanted):
            if size <= length < 2 * size:  # two overlapping halves cover it
                start = reach + offset
                last = start + length - size
                found[index] = np.minimum(table[start : start + inner], table[last : last + inner])
        if any(2 * size <= length for _, length in wanted):
            table = np.minimum(table[:-size], table[size:])
        size *= 2
    return found


def lowest_in_cells(values: Floats, cells: Ints, length: int) -> Floats:
    """Return the smallest known value of each cell, infinite where there is none."""
    found = np.full(length, np.inf)
    np.minimum.at(found, cells, np.where(np.isfinite(values), values, np.inf))
    return found
