"""Splits that look forward only: what trains is older than what is predicted.

The different times of the scored rows are cut into ``folds + 1`` blocks of equally many, as scikit-learn's
`TimeSeriesSplit` cuts rows; a remainder goes to the first block, which is never predicted. Rows of one time are never
on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.builtin._splits.columns import column, groups
from harness.builtin._splits.rows import MAX_SEED
from harness.data import DatasetInfo, Examples, Fold
from harness.errors import ConfigError, DataError
from harness.params import param

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from harness.builtin._splits.columns import Codes

GAP = "least time between training and predicted rows: a number in units of time_on, or '7D' where it holds dates"


@dataclass(frozen=True)
class TimeParams:
    """Parameters of ``time``."""

    folds: int = param(5, "number of folds", low=1, high=1000)
    time_on: str = param("time", "meta column with each row's time: dates, ISO 8601 text or numbers")
    gap: int | float | str = param(0, GAP, low=0)


@dataclass(frozen=True)
class GroupTimeParams:
    """Parameters of ``group_time``."""

    folds: int = param(5, "number of folds", low=1, high=1000)
    seed: int = param(0, "seed of the order in which groups are dealt", low=0, high=MAX_SEED)
    time_on: str = param("time", "meta column with each row's time: dates, ISO 8601 text or numbers")
    group_on: str = param("group", "meta column whose groups are never on both sides")
    gap: int | float | str = param(0, GAP, low=0)


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Time cut into blocks.

    Attributes
    ----------
    times : (n,) numbers or datetime64
    wait : number or timedelta64
        The gap.
    starts : (folds,) times
        When each predicted block begins.
    of : (n,) int64
        The block of each row, -1 before the first predicted one.
    """

    times: NDArray[Any]
    wait: Any
    starts: NDArray[Any]
    of: Codes

    def old(self, index: int) -> NDArray[np.bool_]:
        """Tell which rows are old enough to train for a block, as (n,) bool."""
        start = self.starts[index]
        enough: NDArray[np.bool_] = (self.times < start) & (self.times <= start - self.wait)
        return enough


def time(params: TimeParams, examples: Examples, _info: DatasetInfo) -> Iterator[Fold]:
    """Predict each block from all rows that are older than it by at least the gap."""
    import numpy as np

    blocks = _cut(examples, params.time_on, params.gap, params.folds)
    rows = examples.scored_rows()
    for index in range(params.folds):
        yield _fold(index, np.flatnonzero(blocks.old(index)), rows[blocks.of[rows] == index], params.gap)


def group_time(params: GroupTimeParams, examples: Examples, _info: DatasetInfo) -> Iterator[Fold]:
    """Predict, in each block, groups that the older rows it trains on do not hold.

    Each group is predicted in one block only, of those where it has scored rows the one with the fewest rows so far;
    groups with the least choice are dealt first. Groups that live in one block are so predicted whole; of a group
    that is always there, one block is.
    """
    import numpy as np

    blocks = _cut(examples, params.time_on, params.gap, params.folds)
    rows = examples.scored_rows()
    codes = groups(examples, params.group_on)
    home = _deal(codes[rows], blocks.of[rows], int(codes.max()) + 1, params)
    for index in range(params.folds):
        predicted = rows[(blocks.of[rows] == index) & (home[codes[rows]] == index)]
        apart = np.isin(codes, np.unique(codes[predicted]))
        yield _fold(index, np.flatnonzero(blocks.old(index) & ~apart), predicted, params.gap)


def _deal(codes: Codes, blocks: Codes, n_groups: int, params: GroupTimeParams) -> Codes:
    """Return each group's block; -1 for one without a row in a predicted block."""
    import numpy as np

    counts = np.zeros((n_groups, params.folds), dtype=np.int64)
    np.add.at(counts, (codes[blocks >= 0], blocks[blocks >= 0]), 1)
    choice = (counts > 0).sum(axis=1)
    if (choice > 0).sum() < params.folds:
        raise DataError(
            f"split: group_on = {params.group_on!r}: {(choice > 0).sum()} groups with scored rows after the first"
            f" block do not make {params.folds} folds; set fewer folds"
        )
    order = np.random.default_rng(params.seed).permutation(n_groups)
    home, filled = np.full(n_groups, -1, dtype=np.int64), np.zeros(params.folds, dtype=np.int64)
    for one in order[np.argsort(choice[order], kind="stable")]:
        possible = np.flatnonzero(counts[one])
        if len(possible):
            home[one] = possible[np.argmin(filled[possible])]
            filled[home[one]] += counts[one, home[one]]
    return home


def _fold(index: int, train: NDArray[np.int64], valid: NDArray[np.int64], gap: float | str) -> Fold:
    import numpy as np

    if not len(valid):
        raise DataError(f"split: fold {index} has no scored row to predict; set fewer folds")
    if not len(train):
        raise DataError(
            f"split: fold {index} has no older row to train on (gap = {gap!r}); set fewer folds or less gap"
        )
    return Fold(index, train.astype(np.int64), valid.astype(np.int64))


def _cut(examples: Examples, time_on: str, gap: float | str, folds: int) -> _Blocks:
    import numpy as np

    times = read_times(column(examples, "time_on", time_on), time_on)
    wait = _read_gap(gap, times)
    different = np.unique(times[examples.scored_rows()])
    size = len(different) // (folds + 1)
    if not size:
        raise DataError(
            f"split: time_on = {time_on!r}: {len(different)} different times do not make {folds} forward folds,"
            f" expected at least {folds + 1}; set fewer folds"
        )
    starts = different[len(different) - folds * size :: size]
    return _Blocks(times, wait, starts, np.searchsorted(starts, times, side="right") - 1)


def read_times(values: pd.Series, name: str) -> NDArray[Any]:
    """Return times as numbers or as datetime64, time zones as UTC.

    Raises
    ------
    DataError
        If they are neither numbers, dates nor ISO 8601 text.
    """
    import pandas as pd

    kinds = pd.api.types
    if kinds.is_numeric_dtype(values.dtype) or kinds.is_timedelta64_dtype(values.dtype):
        return values.to_numpy()
    try:
        dates = pd.to_datetime(values, format="ISO8601", utc=True)
    except (ValueError, TypeError):
        raise DataError(
            f"split: time_on = {name!r}: {str(values.iloc[0])!r} and others are not all ISO 8601 dates or numbers; let"
            " the data source parse them"
        ) from None
    return dates.dt.tz_localize(None).to_numpy()


def _read_gap(gap: float | str, times: NDArray[Any]) -> Any:
    import pandas as pd

    numeric = times.dtype.kind not in "mM"
    try:
        if numeric:
            wait: Any = float(gap)
        elif isinstance(gap, str):
            wait = pd.Timedelta(gap).to_timedelta64()
        else:
            wait = pd.Timedelta(0).to_timedelta64()
    except ValueError:
        expected = "a number, as the time column holds numbers" if numeric else "a duration such as '7D' or '12h'"
        raise ConfigError(f"split: gap = {gap!r}: expected {expected}") from None
    if wait < wait * 0 or (not numeric and not isinstance(gap, str) and gap):
        expected = "0 or more" if numeric or isinstance(gap, str) else f"a unit, as in '{gap}D', for a column of dates"
        raise ConfigError(f"split: gap = {gap!r}: expected {expected}")
    return wait
