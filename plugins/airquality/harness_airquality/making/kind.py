"""What every kind of feature is: a scikit-learn transformer of the stations' table, whose state is JSON and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from harness_airquality.stations import ROLES, TIME

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DAY = pd.Timedelta("1D")


class Kind(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """One kind of feature; `transform` returns only the new columns, row for row of its input."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Kind:  # noqa: ARG002  # scikit-learn's signature
        """Learn from training rows, if there is anything to learn."""
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the new columns (n, k) float64 of rows (n, m)."""
        raise NotImplementedError

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the new columns, in order."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Return what was learned as JSON values."""
        return {}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return what was learned as tables, by name."""
        return {}

    def restore(self, state: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> None:
        """Take back what `state` and `tables` returned."""

    def framed(self, columns: Floats) -> pd.DataFrame:
        """Name new columns, given as (k, n), without copying them."""
        return pd.DataFrame(columns.T, columns=list(self.get_feature_names_out()), copy=False)


def names(values: Iterable[str]) -> NDArray[np.object_]:
    """Return names as scikit-learn does."""
    return np.array(list(values), dtype=object)


def covariate_names(table: pd.DataFrame) -> list[str]:
    """Return the columns that say neither where nor when."""
    return [str(name) for name in table if name not in ROLES]


def nanoseconds(table: pd.DataFrame) -> Ints:
    """Return the rows' times since 1970 (n,)."""
    return table[TIME].to_numpy().astype("datetime64[ns]").astype(np.int64)


def steps(table: pd.DataFrame, step: str) -> Ints:
    """Return the number of the time step that each row falls in (n,), counted from 1970.

    Examples
    --------
    >>> steps(pd.DataFrame({"time": pd.to_datetime(["1970-01-02 00:00", "1970-01-02 13:00"])}), "1D").tolist()
    [1, 1]
    """
    return nanoseconds(table) // pd.Timedelta(step).as_unit("ns").value
