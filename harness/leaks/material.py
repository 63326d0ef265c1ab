"""What the checks look at: the parts of a data set, and a sample of rows with the competition's own folds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.audit.sides import Where, whereabouts
from harness.data import Examples
from harness.findings import Finding
from harness.leaks.strength import Target, targets_of
from harness.prepare import Prepared
from harness.tabular.columns import as_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Pairs = Sequence[tuple[Codes, Codes]]

MOST_ROWS = 20_000
"""Training rows that the scans of properties see, at most."""
MOST_FOLDS = 5
"""Folds that are looked at, at most."""
SEED = 0
"""Of the samples, so that a second look finds the same."""

Check = Callable[["Material"], Iterable[Finding]]


@dataclass(frozen=True, eq=False)
class Material:
    """A competition's data, ready for checks.

    Attributes
    ----------
    others : mapping of str to Examples
        ``test``, and the labelled ``valid``, as far as there are such.
    rows : (m,) int64
        Positions of the training rows in the sample.
    folds : sequence of (train, valid)
        Positions in the sample.
    targets : sequence of Target
        Of the rows of the sample.
    """

    prepared: Prepared
    others: dict[str, Examples]
    rows: Codes
    folds: Pairs
    targets: Sequence[Target]

    @property
    def train(self) -> Examples:
        """The training rows."""
        return self.prepared.dataset.train

    @property
    def test(self) -> Examples | None:
        """The rows to predict."""
        return self.others.get("test")

    @cached_property
    def where(self) -> dict[str, Where]:
        """Group, time and place of the rows of each part."""
        parts = [self.train, *self.others.values()]
        found = whereabouts(parts, self.prepared.dataset.info.roles)
        return dict(zip(("train", *self.others), found, strict=True))

    @cached_property
    def units(self) -> Codes | None:
        """What counts as one observation: the groups of the sample's rows, where all are known."""
        groups = self.where["train"].groups
        return groups[self.rows] if groups is not None and (groups >= 0).all() else None

    @property
    def is_time_the_id(self) -> bool:
        """Whether rows are named by their own time."""
        name, meta = self.prepared.dataset.info.roles.get("time", ""), self.train.meta
        if meta is None or name not in meta:
            return False
        return [str(one) for one in self.train.ids] == as_text(meta[name]).tolist()

    def table(self, part: str) -> pd.DataFrame | None:
        """Return the inputs of a part as a table with text for names, or None where they are none."""
        return table_in((self.train if part == "train" else self.others[part]).inputs)

    @cached_property
    def whole_folds(self) -> Pairs:
        """The competition's first folds, positions in train."""
        return [(fold.train, fold.valid) for fold in self.prepared.folds[:MOST_FOLDS]]


def table_in(inputs: Any) -> pd.DataFrame | None:
    """Return a table of numbers, categories, texts and times, or None."""
    if isinstance(inputs, np.ndarray) and inputs.ndim == 2 and inputs.dtype.kind in "biuf":
        return pd.DataFrame(inputs, columns=[str(at) for at in range(inputs.shape[1])])
    if isinstance(inputs, pd.DataFrame) and inputs.columns.is_unique:
        return inputs.rename(columns=str)
    return None


def is_number(dtype: Any) -> bool:
    """Whether a column of this type holds numbers: no flags, no complex numbers, no times."""
    types = pd.api.types
    return types.is_integer_dtype(dtype) or types.is_float_dtype(dtype)


def material_of(prepared: Prepared) -> Material:
    """Draw the sample of rows that the scans of properties see."""
    dataset = prepared.dataset
    assert dataset.train.targets is not None
    n = len(dataset.train)
    rows = np.sort(np.random.default_rng(SEED).permutation(n)[:MOST_ROWS]).astype(np.int64)
    place = np.full(n, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    folds = []
    for fold in prepared.folds[:MOST_FOLDS]:
        train, valid = place[fold.train], place[fold.valid]
        train, valid = train[train >= 0], valid[valid >= 0]
        if len(train) and len(valid):
            folds.append((train, valid))
    parts = {"test": dataset.test, "valid": dataset.valid}
    if dataset.test is not None and dataset.valid is not None and same_ids(dataset.test, dataset.valid):
        parts["valid"] = None
    info = dataset.info
    targets = targets_of(dataset.train.targets[rows], info.classes, info.task_type.single_label) if folds else []
    return Material(prepared, {name: part for name, part in parts.items() if part is not None}, rows, folds, targets)


def same_ids(one: Examples, other: Examples) -> bool:
    """Whether two parts are the same rows."""
    return len(one) == len(other) and bool((one.ids == other.ids).all())
