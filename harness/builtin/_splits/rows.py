"""Splits that cover every scored row once: random, stratified, by group, predefined.

Rows that are not scored are never in `valid`. They train in every fold, but for those of a group (or predefined fold)
that is being validated.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.builtin._splits.columns import column, groups, strata
from harness.data import DatasetInfo, Examples, Fold, check_any
from harness.errors import DataError, listed
from harness.params import param

if TYPE_CHECKING:
    import pandas as pd

    from harness.builtin._splits.columns import Codes
    from harness.data import Rows

MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class RandomParams:
    """Parameters of ``random``."""

    folds: int = param(5, "number of folds", low=2, high=1000)
    seed: int = param(0, "seed of the shuffle, the same for every run", low=0, high=MAX_SEED)
    shuffle: bool = param(True, "shuffle rows first; false cuts them in their order")


@dataclass(frozen=True)
class StratifiedParams:
    """Parameters of ``stratified``."""

    folds: int = param(5, "number of folds", low=2, high=1000)
    seed: int = param(0, "seed of the shuffle, the same for every run", low=0, high=MAX_SEED)
    shuffle: bool = param(True, "shuffle rows first; false cuts them in their order")
    stratify_on: str = param("", "meta column whose shares every fold keeps; empty: the target")


@dataclass(frozen=True)
class GroupParams:
    """Parameters of ``group``."""

    folds: int = param(5, "number of folds", low=2, high=1000)
    seed: int = param(0, "seed of the shuffle, the same for every run", low=0, high=MAX_SEED)
    shuffle: bool = param(True, "deal groups at random; false evens out the rows per fold instead")
    group_on: str = param("group", "meta column whose groups are never on both sides")


@dataclass(frozen=True)
class StratifiedGroupParams:
    """Parameters of ``stratified_group``."""

    folds: int = param(5, "number of folds", low=2, high=1000)
    seed: int = param(0, "seed of the shuffle, the same for every run", low=0, high=MAX_SEED)
    shuffle: bool = param(True, "shuffle groups of equal class counts")
    group_on: str = param("group", "meta column whose groups are never on both sides")
    stratify_on: str = param("", "meta column whose shares every fold keeps; empty: the target")


@dataclass(frozen=True)
class PredefinedParams:
    """Parameters of ``predefined``."""

    fold_on: str = param("fold", "meta column with the fold that validates each row; negative: trains in every fold")


def random(params: RandomParams, examples: Examples, _info: DatasetInfo) -> Iterator[Fold]:
    """Cut rows at random."""
    from sklearn.model_selection import KFold

    rows = _enough_rows(examples, params.folds)
    splitter = KFold(params.folds, shuffle=params.shuffle, random_state=params.seed if params.shuffle else None)
    yield from _folds(examples, (rows[valid] for _, valid in splitter.split(rows)))


def stratified(params: StratifiedParams, examples: Examples, info: DatasetInfo) -> Iterator[Fold]:
    """Cut rows so that every fold has the same shares; see `columns.strata`.

    A class of fewer rows than folds is validated in as many folds as it has rows.
    """
    from sklearn.model_selection import StratifiedKFold

    rows = _enough_rows(examples, params.folds)
    kept = _strata(examples.take(rows), info, params.stratify_on, params.folds)
    splitter = StratifiedKFold(
        params.folds, shuffle=params.shuffle, random_state=params.seed if params.shuffle else None
    )
    yield from _folds(examples, (rows[valid] for valid in _quietly(splitter, kept)))


def group(params: GroupParams, examples: Examples, _info: DatasetInfo) -> Iterator[Fold]:
    """Cut rows so that no group is on both sides."""
    from sklearn.model_selection import GroupKFold

    rows = _enough_rows(examples, params.folds)
    codes = groups(examples, params.group_on)
    _enough_groups(codes[rows], params.folds, params.group_on)
    splitter = GroupKFold(params.folds, shuffle=params.shuffle, random_state=params.seed if params.shuffle else None)
    yield from _folds(examples, (rows[valid] for _, valid in splitter.split(rows, groups=codes[rows])), codes)


def stratified_group(params: StratifiedGroupParams, examples: Examples, info: DatasetInfo) -> Iterator[Fold]:
    """Cut rows so that no group is on both sides and shares are as equal as groups allow."""
    from sklearn.model_selection import StratifiedGroupKFold

    rows = _enough_rows(examples, params.folds)
    codes = groups(examples, params.group_on)
    _enough_groups(codes[rows], params.folds, params.group_on)
    kept = _strata(examples.take(rows), info, params.stratify_on, params.folds)
    splitter = StratifiedGroupKFold(
        params.folds, shuffle=params.shuffle, random_state=params.seed if params.shuffle else None
    )
    yield from _folds(examples, (rows[valid] for valid in _quietly(splitter, kept, codes[rows])), codes)


def predefined(params: PredefinedParams, examples: Examples, _info: DatasetInfo) -> Iterator[Fold]:
    """Cut rows as a meta column says; folds in the order of its values, numbers as numbers."""
    import numpy as np
    import pandas as pd

    check_any(examples, "split")
    values = _numbers_if_all(column(examples, "fold_on", params.fold_on))
    rows = examples.scored_rows()
    codes, names = pd.factorize(values, sort=True)
    train_only = values.to_numpy() < 0 if pd.api.types.is_numeric_dtype(values) else np.zeros(len(values), dtype=bool)
    if train_only[rows].any():
        ids = examples.ids[rows[train_only[rows]]]
        raise DataError(
            f"split: fold_on = {params.fold_on!r}: {len(ids)} scored rows have a negative fold, so none predicts them:"
            f" {listed(ids)}"
        )
    used = np.unique(codes[rows])
    if len(names) < 2:
        raise DataError(f"split: fold_on = {params.fold_on!r}: every row has fold {names[0]}, expected at least two")
    yield from _folds(examples, (rows[codes[rows] == code] for code in used), codes.astype(np.int64))


def _folds(examples: Examples, valid_parts: Iterable[Rows], sides: Codes | None = None) -> Iterator[Fold]:
    # `sides` keeps rows off the training side that belong with validated ones though they are not scored
    import numpy as np

    for index, valid in enumerate(valid_parts):
        apart = np.zeros(len(examples), dtype=bool)
        apart[valid] = True
        if sides is not None:
            apart = np.isin(sides, np.unique(sides[valid]))
        train = np.flatnonzero(~apart).astype(np.int64)
        if not len(valid) or not len(train):
            side = "scored row to predict" if not len(valid) else "row to train on"
            raise DataError(f"split: fold {index} has no {side}; set fewer folds")
        yield Fold(index, train, valid)


def _strata(examples: Examples, info: DatasetInfo, stratify_on: str, folds: int) -> Codes:
    import numpy as np

    kept = strata(examples, info, stratify_on, folds)
    # scikit-learn refuses strata that are all smaller than the folds; there is nothing to keep equal then
    return kept if np.unique(kept, return_counts=True)[1].max() >= folds else np.zeros_like(kept)


def _quietly(splitter: Any, kept: Codes, codes: Codes | None = None) -> list[Rows]:
    with warnings.catch_warnings():
        # a class of fewer rows than folds still works: some folds do without it
        warnings.filterwarnings("ignore", message="The least populated class in y", category=UserWarning)
        return [valid for _, valid in splitter.split(kept, kept, codes)]


def _enough_rows(examples: Examples, folds: int) -> Rows:
    rows = examples.scored_rows()
    if len(rows) < folds:
        raise DataError(f"split: {len(rows)} scored rows do not make {folds} folds; set fewer folds")
    return rows


def _enough_groups(codes: Codes, folds: int, name: str) -> None:
    import numpy as np

    found = len(np.unique(codes))
    if found < folds:
        raise DataError(
            f"split: group_on = {name!r}: {found} groups with scored rows do not make {folds} folds; set fewer folds"
        )


def _numbers_if_all(values: pd.Series) -> pd.Series:
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce")
    return values.astype(str) if numbers.isna().any() else numbers
