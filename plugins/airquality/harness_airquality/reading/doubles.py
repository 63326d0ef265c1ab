"""Rows of the same place and time: refused, averaged, or the first taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.data import Examples
from harness.errors import DataError, listed
from harness_airquality.reading.covariates import mean_rows
from harness_airquality.stations import COUNTRY, PLACE, ROLES, TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEY = [PLACE, TIME]


def settle_doubles(examples: Examples, policy: str, where: str) -> tuple[Examples, list[str]]:
    """Leave one row for each place and time.

    Rows without targets are all kept, since each of them has an id to be predicted; only ``refuse`` holds for them too.

    Parameters
    ----------
    policy : str
        ``refuse``; ``mean`` of the numbers and of the targets, all else from the first row; or ``first``.

    Raises
    ------
    DataError
        Naming the rows.
    """
    keys = examples.inputs[KEY]
    doubled = keys.duplicated(keep=False).to_numpy()
    if not doubled.any():
        return examples, []
    pairs = len(keys[doubled].drop_duplicates())
    found = f"{int(doubled.sum()):,} rows of {where} share their place and time with another row"
    if policy == "refuse":
        shown = [f"{place} {time}" for place, time in keys[doubled].drop_duplicates().itertuples(index=False)]
        raise DataError(
            f"{found} ({listed(shown, 3)}): {listed(examples.ids[doubled])}; add a column to time, or set"
            ' duplicates = "mean" or "first"'
        )
    if examples.targets is None:
        return examples, [f"{found}; all are kept, each to be predicted"]
    if policy == "first":
        return examples.take(np.flatnonzero(~keys.duplicated().to_numpy()).astype(np.int64)), [
            f"{found}; the first ones are kept, {pairs:,} rows"
        ]
    return _mean(examples), [f"{found}; averaged to {pairs:,}"]


def _mean(examples: Examples) -> Examples:
    codes = examples.inputs.groupby(KEY, sort=False).ngroup().to_numpy()
    first: NDArray[np.int64] = np.unique(codes, return_index=True)[1].astype(np.int64)
    covariates = [name for name in examples.inputs.columns if name not in (*ROLES, COUNTRY)]
    kept = examples.take(first)
    assert examples.targets is not None
    targets = np.bincount(codes, weights=examples.targets) / np.bincount(codes)
    table = kept.inputs.assign(**mean_rows(examples.inputs[covariates], codes, first)) if covariates else kept.inputs
    return Examples(kept.ids, table, targets, kept.meta)
