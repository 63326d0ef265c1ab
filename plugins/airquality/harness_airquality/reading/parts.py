"""Files of a station table: found by pattern, several of them joined, each row known by its name in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.errors import DataError, listed, nearest
from harness.tabular.columns import as_text, text_columns
from harness.tabular.files import locate, read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_airquality.source import StationsParams


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one role as they stand in their files.

    Attributes
    ----------
    frame : DataFrame
        (n, m), with a RangeIndex.
    where : str
        Name of the file, for messages.
    numbers : (n,) int64
        Position of each row in the files, from 0, whatever was taken away since.
    id : str
        Column that names a row; empty if there is none.
    files : tuple of (str, int)
        Each file's name and number of rows, in order.
    """

    frame: pd.DataFrame
    where: str
    numbers: NDArray[np.int64]
    id: str
    files: tuple[tuple[str, int], ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame)

    def take(self, rows: NDArray[Any]) -> Part:
        """Return the rows at positions, or where a mask is true."""
        return replace(self, frame=self.frame.iloc[rows].reset_index(drop=True), numbers=self.numbers[rows])

    def rows(self, which: NDArray[np.bool_]) -> str:
        """Name rows for a message: their ids, else their numbers after the header; the first few."""
        found = np.flatnonzero(which)
        if self.id:
            return listed(self.frame[self.id].iloc[found])
        return listed(self._number(int(self.numbers[row])) for row in found)

    def _number(self, number: int) -> str:
        for name, count in self.files:
            if number < count:
                return f"{name} row {number + 1}" if len(self.files) > 1 else f"row {number + 1} after the header"
            number -= count
        raise AssertionError("a row beyond the last file")

    def column(self, name: str, role: str) -> pd.Series[Any]:
        """Return a column.

        Raises
        ------
        DataError
            If there is none of that name.
        """
        if name not in self.frame:
            hint = nearest(name, map(str, self.frame.columns))
            raise DataError(f"{self.where} has no column {name!r} ({role}){hint}")
        return self.frame[name]


def part_of(frame: pd.DataFrame, where: str, id: str) -> Part:
    """Wrap a table that is in memory already."""
    return Part(frame, where, np.arange(len(frame), dtype=np.int64), id, ((where, len(frame)),))


def find_files(folder: Path, pattern: str, role: str) -> tuple[Path, ...]:
    """Find the files of a role: one, or several to be joined.

    Raises
    ------
    DataError
        If there is none, or the same one twice (``train.csv`` and ``train.csv.gz``).
    """
    found = sorted(path for path in folder.glob(pattern) if path.is_file()) if _plain(pattern) else []
    stems = {path.name.split(".")[0] for path in found}
    if len(found) < 2 or len(stems) < len(found):
        return (locate(folder, pattern, role),)
    return tuple(found)


def _plain(pattern: str) -> bool:
    return not Path(pattern).is_absolute() and ".." not in Path(pattern).parts


def read_part(paths: tuple[Path, ...], params: StationsParams, texts: Iterable[str] = ()) -> Part:
    """Read the files of a role as one table.

    Parameters
    ----------
    texts : iterable of str
        Columns to read as text besides those of the roles: what the training rows hold as text.

    Raises
    ------
    DataError
        If a file cannot be read, is empty, or has other columns than the first.
    """
    named = {params.place, params.region, params.country, *params.times, *params.categorical, *texts} - {""}
    roles = params.roles
    frames = [read_table(paths[0], roles, named)]
    named |= {*text_columns(frames[0])} - {params.target}
    for path in paths[1:]:
        frame = read_table(path, roles, named)
        odd = set(map(str, frame.columns)) ^ set(map(str, frames[0].columns))
        if odd:
            raise DataError(f"{path.name} and {paths[0].name} differ in columns: {listed(sorted(odd))}")
        frames.append(frame)
    frame = _dated(pd.concat(frames, ignore_index=True), params)
    where = paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more files"
    named_by = params.id if params.id in frame else ""
    if named_by:
        frame[named_by] = frame[named_by].astype(object)
    files = tuple((path.name, len(one)) for path, one in zip(paths, frames, strict=True))
    return Part(frame, where, np.arange(len(frame), dtype=np.int64), named_by, files)


def _dated(frame: pd.DataFrame, params: StationsParams) -> pd.DataFrame:
    """Turn Parquet's other types of the roles into the text that a CSV has; dates stay dates."""
    for name in (params.place, params.region, params.country):
        if name in frame:
            frame[name] = as_text(frame[name])
    return frame
