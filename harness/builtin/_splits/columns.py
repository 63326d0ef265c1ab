"""Columns of `Examples.meta` that a split names, and the strata it keeps equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.data import DatasetInfo, Examples, TaskType
from harness.errors import DataError, listed, nearest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

BINS = 10
"""Quantile bins of a continuous target, at most."""


def column(examples: Examples, key: str, name: str) -> pd.Series:
    """Return a column of `Examples.meta` without missing values.

    Parameters
    ----------
    key : str
        The parameter that names it, for the message.

    Raises
    ------
    DataError
        If there is no such column, with the nearest name, or a value is missing, with the first ids.
    """
    known = [] if examples.meta is None else [str(one) for one in examples.meta.columns]
    if examples.meta is None or name not in known:
        hint = nearest(name, known) or "; its source gives no meta columns"
        raise DataError(f"split: {key} = {name!r}: the data has no such meta column{hint}")
    values = examples.meta[name]
    missing = values.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"split: {key} = {name!r}: missing in {int(missing.sum())} rows: {listed(examples.ids[missing])}"
        )
    return values


def groups(examples: Examples, name: str) -> Codes:
    """Give the groups of a meta column numbers, in order of appearance.

    Returns
    -------
    (n,) int64
    """
    import pandas as pd

    codes: Codes = pd.factorize(column(examples, "group_on", name))[0].astype("int64")
    return codes


def strata(examples: Examples, info: DatasetInfo, stratify_on: str, folds: int) -> Codes:
    """Give each row the stratum whose share every fold keeps.

    A meta column's values, or where none is named the target: its class; of a regression the quantile bin (at most 10,
    of at least `folds` rows each); of several labels the rarest one the row has, or none, so that rare labels
    are spread first, as in Sechidis et al., "On the Stratification of Multi-Label Data", ECML PKDD 2011, section 3.
    A meta column of floating-point numbers is binned as a regression's target is.

    Returns
    -------
    (n,) int64
    """
    import pandas as pd

    if stratify_on:
        named = column(examples, "stratify_on", stratify_on)
        if pd.api.types.is_float_dtype(named.dtype) and named.nunique() > BINS:
            return _quantile_bins(named.to_numpy("float64"), folds)
        return pd.factorize(named)[0].astype("int64")
    if examples.targets is None:
        raise DataError("split: rows without targets cannot be stratified; set stratify_on to a meta column")
    if info.task_type is TaskType.REGRESSION:
        return _quantile_bins(examples.targets, folds)
    if info.task_type is TaskType.MULTILABEL:
        return _rarest_label(examples.targets)
    return examples.targets.astype("int64")


def _quantile_bins(values: NDArray[np.float64], folds: int) -> Codes:
    import numpy as np

    bins = int(np.clip(len(values) // folds, 1, BINS))
    edges = np.unique(np.quantile(values, np.arange(1, bins) / bins))
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _rarest_label(targets: NDArray[np.int8]) -> Codes:
    import numpy as np

    rank = np.argsort(np.argsort(targets.sum(axis=0), kind="stable"), kind="stable")
    rarest: Codes = np.where(targets == 1, rank, targets.shape[1]).min(axis=1).astype(np.int64)
    return rarest
