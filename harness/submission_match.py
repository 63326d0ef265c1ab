"""A file compared with a run's submission, cell by cell, whatever the order of rows and columns.

Rows are joined by id and columns by name. Numbers are equal up to rounding if they differ by at most half a unit of the
last digit that the file writes: decimals or significant digits, whichever is coarser, if it writes at least three.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import StoreError, SubmissionError
from harness.files import sha256
from harness.fingerprint import Fingerprint, hashed
from harness.submission_check import numbers
from harness.submission_file import read_submission

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

CLOSE = 0.5
"""An edited copy has at least this share of its rows unchanged."""
SHOWN, CELLS = 10, 3
"""Rows and ids that are told one by one, and cells of each."""
_LEAST_DIGITS = 3


@dataclass(frozen=True)
class Difference:
    """A row that is not what the run wrote.

    Attributes
    ----------
    cells : mapping of str to (str, str)
        Column -> what the run wrote, and what the file says; the first few.
    """

    id: str
    cells: Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Match:
    """A run's submission compared with a file, cell by cell.

    Attributes
    ----------
    name : str
        ``COMPETITION/RUN``.
    equal, edited, missing, added : int
        Rows by id: the same up to rounding, with another value, only the run's, only the file's (or there twice).
    twice : int
        Those of the added rows whose id stands in the file before.
    changes : tuple of str
        What was done to the file that changes no value: another order, rounding.
    columns : tuple of str
        What is wrong with its columns; rows are compared on those that both have.
    rows : tuple of Difference
        The first that differ.
    ids : tuple of str
        The first ids that are missing or added.
    """

    name: str
    submission: Path
    equal: int
    edited: int
    missing: int
    added: int
    twice: int = 0
    changes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[Difference, ...] = ()
    ids: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is the run's submission, apart from order and rounding."""
        return not (self.edited or self.missing or self.added or self.columns)

    @property
    def share(self) -> float:
        """Share of rows that are equal."""
        return self.equal / max(1, self.equal + self.edited + self.missing + self.added)

    @property
    def verdict(self) -> str:
        """``identical``, ``same`` (another order, or rounded), ``edited``, or ``none``: not close."""
        if self.whole:
            return "same" if self.changes else "identical"
        return "edited" if self.share >= CLOSE else "none"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A run's submission with its fingerprint."""

    path: Path
    print: Fingerprint
    was_read: bool

    @property
    def name(self) -> str:
        """``COMPETITION/RUN``."""
        return f"{self.path.parent.parent.name}/{self.path.parent.name}"


@dataclass(eq=False)
class Query:
    """The file in question, its columns hashed and parsed once, when they are needed."""

    path: Path
    frame: pd.DataFrame
    hashes: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    orders: dict[str, Any] = field(default_factory=dict)
    placed: dict[Any, Any] = field(default_factory=dict)

    def hash(self, name: str) -> NDArray[np.uint64]:
        """Return the hashes of a column's texts."""
        if name not in self.hashes:
            self.hashes[name] = hashed(self.frame[name])
        found: NDArray[np.uint64] = self.hashes[name]
        return found

    def number(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64], str, float]:
        """Return a column's numbers, how far each may be from what was rounded, to what, and the numbers' mean."""
        import numpy as np

        if name not in self.values:
            cells, _ = numbers(self.frame[name])
            mean = 0.0 if np.isnan(cells).all() else float(np.nanmean(cells))
            self.values[name] = (cells, *tolerance(cells, self.frame[name]), mean)
        found: tuple[NDArray[np.float64], NDArray[np.float64], str, float] = self.values[name]
        return found

    def place(self, print: Fingerprint) -> tuple[str, NDArray[np.int64]]:
        """Return which column holds a fingerprint's ids, and the row of each sampled one (-1: none)."""
        key = (print.id, print.sample.tobytes())
        if key not in self.placed:
            names = [print.id] if print.id in self.frame.columns else [str(name) for name in self.frame.columns]
            tried = [(name, self._rows(print.sample, name)) for name in names]
            self.placed[key] = max(tried, key=lambda pair: int((pair[1] >= 0).sum()))
        found: tuple[str, NDArray[np.int64]] = self.placed[key]
        return found

    def _rows(self, sample: NDArray[np.uint64], name: str) -> NDArray[np.int64]:
        import numpy as np

        hashes = self.hash(name)
        if name not in self.orders:
            self.orders[name] = np.argsort(hashes, kind="stable")
        order = self.orders[name]
        at = np.searchsorted(hashes, sample, sorter=order)
        rows = order[np.minimum(at, len(order) - 1)]
        return np.where(hashes[rows] == sample, rows, -1).astype(np.int64)


def tolerance(cells: NDArray[np.float64], column: pd.Series[Any]) -> tuple[NDArray[np.float64], str]:
    """Return how far numbers that were rounded as a file writes them may be from the originals, and to what it rounds.

    Most cells decide (95 in 100), so that an edited one with more digits changes nothing. A file of fewer than three
    digits is not taken for a rounded one: 0 and 1 are no rounded probabilities.
    """
    import numpy as np

    sample = [str(cell) for cell in column.iloc[:: max(1, len(column) // 2000)]]
    digits = np.array([_digits(text) for text in sample if text]) if any(sample) else np.zeros((1, 2))
    decimals, significant = (int(np.quantile(digits[:, at], 0.95, method="inverted_cdf")) for at in (0, 1))
    if max(decimals, significant) < _LEAST_DIGITS:
        return np.zeros(len(cells)), ""
    size = np.abs(np.where(np.isfinite(cells) & (cells != 0), cells, 1.0))
    last = np.where(cells == 0, 0.0, 10.0 ** (np.floor(np.log10(size)) - significant + 1))
    room = 0.5000001 * np.maximum(10.0**-decimals, last)  # a little more: halves are not exact in binary
    fixed = float(np.mean(last <= 1.0001 * 10.0**-decimals)) > 0.5
    return room, f"{decimals} decimals" if fixed else f"{significant} significant digits"


def _digits(text: str) -> tuple[int, int]:
    """Return decimals and significant digits of a number as it is written.

    Examples
    --------
    >>> _digits("0.0120"), _digits("1.5e-03"), _digits("-120"), _digits("oak")
    ((4, 3), (4, 2), (0, 3), (0, 0))
    """
    mantissa, _, exponent = text.strip().lower().partition("e")
    whole, _, part = mantissa.lstrip("+-").partition(".")
    if not (whole + part).isdecimal():
        return 0, 0
    shift = int(exponent) if exponent.lstrip("+-").isdecimal() else 0
    return max(0, len(part) - shift), len((whole + part).lstrip("0"))


def compare(query: Query, one: Candidate) -> Match:
    """Compare a file with a run's submission, cell by cell.

    Raises
    ------
    StoreError
        If the run's file cannot be read any more.
    """
    import numpy as np
    import pandas as pd

    try:
        own = read_submission(one.path).frame
    except SubmissionError as error:
        raise StoreError(f"{one.path}: {error}") from None
    key, _ = query.place(one.print)
    theirs = query.frame
    ids = pd.Index(own[one.print.id], dtype=object)
    rows = ids.get_indexer(pd.Index(theirs[key], dtype=object))  # of the run, for each row of the file
    repeated = pd.Series(rows).duplicated().to_numpy() & (rows >= 0)
    at = np.flatnonzero((rows >= 0) & ~repeated)
    of_run = rows[at]
    names = [name for name in own.columns if name != one.print.id and name in theirs.columns and name != key]
    compared = [_equal(query, own, one, name, at, of_run) for name in names]
    same = np.logical_and.reduce([fits for fits, _ in compared]) if names else np.zeros(len(at), dtype=bool)
    rounded = max((how for _, how in compared), key=lambda how: (bool(how), "significant" in how), default="")
    missing = np.setdiff1d(np.arange(len(own)), of_run)
    others = np.flatnonzero((rows < 0) | repeated)
    return Match(
        name=one.name,
        submission=one.path,
        equal=int(same.sum()),
        edited=int((~same).sum()),
        missing=len(missing),
        added=len(others),
        twice=int(repeated.sum()),
        changes=tuple(_changes(query, one, own, key, rows[~repeated], rounded)),
        columns=tuple(_column_problems(own, theirs, one.print.id, key)),
        rows=tuple(
            _told(
                own, theirs, one.print.id, {n: ~fits for n, (fits, _) in zip(names, compared, strict=True)}, at, of_run
            )
        ),
        ids=tuple(map(str, [*ids[missing[:SHOWN]], *theirs[key].iloc[others[:SHOWN]]][:SHOWN])),
    )


def _equal(
    query: Query, own: pd.DataFrame, one: Candidate, name: str, at: NDArray[np.int64], of_run: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], str]:
    """Return which rows are equal in a column, and to what they had to be rounded for that (empty: not at all)."""
    import numpy as np

    if name in one.print.texts:
        equal: NDArray[np.bool_] = own[name].to_numpy(object)[of_run] == query.frame[name].to_numpy(object)[at]
        return equal, ""
    (theirs, room, how, _), ours = query.number(name), numbers(own[name])[0][of_run]
    exact = (theirs[at] == ours) | (np.isnan(theirs[at]) & np.isnan(ours))
    fits = exact | (np.abs(theirs[at] - ours) <= room[at])
    return fits, how if bool((fits & ~exact).any()) else ""


def _changes(
    query: Query, one: Candidate, own: pd.DataFrame, key: str, rows: NDArray[np.int64], rounded: str
) -> Iterator[str]:
    kept = rows[rows >= 0]
    if (kept[1:] < kept[:-1]).any():
        yield "rows in another order"
    shared = [name for name in query.frame.columns if name in own.columns]
    if shared != [name for name in own.columns if name in shared]:
        yield "columns in another order"
    if key != one.print.id:
        yield f"the id column is called {key!r}"
    if rounded:
        yield f"numbers rounded to {rounded}"
    elif query.path.stat().st_size != one.print.bytes or sha256(query.path) != sha256(one.path):
        yield "other bytes"


def _column_problems(own: pd.DataFrame, theirs: pd.DataFrame, id: str, key: str) -> Iterator[str]:
    ours, found = [name for name in own.columns if name != id], [name for name in theirs.columns if name != key]
    yield from (f"no column {name!r}" for name in ours if name not in found)
    yield from (f"another column {name!r}" for name in found if name not in ours)


def _told(
    own: pd.DataFrame,
    theirs: pd.DataFrame,
    id: str,
    wrong: Mapping[str, NDArray[np.bool_]],
    at: NDArray[np.int64],
    of_run: NDArray[np.int64],
) -> Iterator[Difference]:
    import numpy as np

    if not wrong:
        return
    for row in np.flatnonzero(np.logical_or.reduce([*wrong.values()]))[:SHOWN].tolist():
        ours, found = own.iloc[of_run[row]], theirs.iloc[at[row]]
        names = [name for name, marked in wrong.items() if marked[row]][:CELLS]
        yield Difference(str(ours[id]), {name: (_cell(ours[name]), _cell(found[name])) for name in names})


def _cell(value: object) -> str:
    return str(value) or "empty"
