"""What the baselines share: they take the stations' inputs as they are, and keep what they learned as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.data import DatasetInfo, Examples, Predictions
from harness.errors import DataError, StoreError, listed
from harness.offers import TaskLog

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .choices import Statistic

    Floats = NDArray[np.float64]

TARGET, WEIGHT, VALUE = "target", "weight", "value"
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Method:
    """A baseline as two functions.

    Attributes
    ----------
    needs : tuple of str
        Role columns the inputs must have.
    tables : tuple of str
        Names of what `learn` returns.
    learn : callable
        ``learn(readings) -> tables``; readings have the columns needed, then ``target`` and ``weight``.
    answer : callable
        ``answer(tables, rows) -> (n,) float64``; rows have the columns needed.
    """

    who: str
    needs: tuple[str, ...]
    tables: tuple[str, ...]
    learn: Callable[[pd.DataFrame], Tables]
    answer: Callable[[Tables, pd.DataFrame], Floats]


class BaselineModel:
    """A `harness.offers.Model` around a method; its state is Parquet."""

    def __init__(self, method: Method, info: DatasetInfo) -> None:
        self.method, self.info = method, info
        self.tables: Tables = {}

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:  # noqa: ARG002
        """Learn from a fold's training rows."""
        if train.targets is None or len(train) == 0:
            raise DataError(f"{self.method.who}: needs training rows with targets, got {len(train)} rows")
        readings = self._rows(train)
        readings[TARGET] = np.asarray(train.targets, dtype=np.float64)
        readings[WEIGHT] = np.ones(len(train)) if train.weights is None else train.weights
        self.tables = self.method.learn(readings)

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, 1)."""
        values = self.method.answer(self.tables, self._rows(examples))
        return Predictions(examples.ids, values.reshape(-1, 1), self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write one Parquet file per table."""
        for name, table in self.tables.items():
            table.to_parquet(directory / f"{name}.parquet", index=False)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote.

        Raises
        ------
        StoreError
            If a file is missing or damaged.
        """
        self.tables = {name: _read(directory / f"{name}.parquet") for name in self.method.tables}

    def _rows(self, examples: Examples) -> pd.DataFrame:
        inputs, needs = examples.inputs, list(self.method.needs)
        found = list(inputs.columns) if isinstance(inputs, pd.DataFrame) else []
        missing = [name for name in needs if name not in found]
        if missing:
            raise DataError(
                f"{self.method.who}: inputs lack {listed(missing)}; it takes the stations' own columns, so give its"
                " strategy no features"
            )
        rows: pd.DataFrame = inputs[needs].reset_index(drop=True)
        return rows


def _read(path: Path) -> pd.DataFrame:
    import pyarrow

    try:
        table: pd.DataFrame = pd.read_parquet(path)
    except (OSError, pyarrow.ArrowException) as error:
        first = str(error).splitlines()[0]
        raise StoreError(f"{path}: cannot be read ({first}); train the run again") from error
    return table


def centre(targets: Floats, weights: Floats, statistic: Statistic) -> float:
    """Return the weighted mean, or median, of targets (n,)."""
    if statistic == "mean":
        return float(np.average(targets, weights=weights))
    if (weights == weights[0]).all():
        return float(np.median(targets))
    return float(np.quantile(targets, 0.5, weights=weights, method="inverted_cdf"))


def centres(readings: pd.DataFrame, keys: list[str], statistic: Statistic) -> pd.DataFrame:
    """Return one row per group: keys, ``value`` (its centre), ``weight`` (their sum) and ``rows``."""
    groups = readings.groupby(keys, sort=True, observed=True)
    found = [
        (*key, centre(part[TARGET].to_numpy(), part[WEIGHT].to_numpy(), statistic), part[WEIGHT].sum(), len(part))
        for key, part in groups
    ]
    return pd.DataFrame(found, columns=[*keys, VALUE, WEIGHT, "rows"])


def look_up(table: pd.DataFrame, keys: list[str], rows: pd.DataFrame) -> Floats:
    """Return the ``value`` (n,) of each row's group, NaN where the table has none."""
    if table.empty:
        return np.full(len(rows), np.nan)
    known = pd.MultiIndex.from_frame(table[keys].astype(object))
    wanted = pd.MultiIndex.from_frame(rows[keys].astype(object))
    found = known.get_indexer(wanted)
    values = table[VALUE].to_numpy(dtype=np.float64)
    return np.asarray(np.where(found >= 0, values[found], np.nan))


def first_known(first: Floats, *others: Floats | float) -> Floats:
    """Return, for each row, the first answer that is not NaN."""
    for other in others:
        first = np.where(np.isnan(first), other, first)
    return first
