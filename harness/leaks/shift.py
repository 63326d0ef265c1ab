"""Train told apart from test: how well, and the columns that drive it. No leak, but a reason to look at the split."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from harness.audit.guard import MOST_AUC
from harness.audit.sides import FEWEST_ROWS, auc_of_test
from harness.findings import Finding, Severity
from harness.leaks.columns import codes_of
from harness.leaks.material import MOST_ROWS, SEED, Material
from harness.leaks.strength import SURE, Target, by_bins, strength

TOLD = 0.6
"""AUC from which it is told."""
DRIVERS = 5
"""Columns that are named."""


def check_shift(material: Material) -> Iterator[Finding]:
    """Tell how far train and test can be told apart, and by which columns."""
    train, test = material.table("train"), material.table("test") if material.test is not None else None
    if train is not None and test is not None and set(train) != set(test):
        return  # the columns that one side lacks are told elsewhere
    found = auc_of_test(material.prepared.dataset, material.prepared.setting.cache)
    if found is None or found < TOLD:
        return
    drivers = _drivers(material)
    named = ", ".join(f"{name} {auc:.2f}" for name, auc in drivers)
    told = f"train and test are told apart by their inputs with AUC {found:.3f}" + (
        f"; alone: {named}" if named else ""
    )
    advice = "see which split is like the test set: harness split-audit"
    severity = Severity.WARNING if found > MOST_AUC else Severity.NOTE
    yield Finding("shift", severity, told, advice, "auc", found, tuple(name for name, _ in drivers))


def _drivers(material: Material) -> list[tuple[str, float]]:
    """Return the columns that alone tell the sides apart best, with their cross-validated AUC."""
    train, test = material.table("train"), material.table("test")
    if train is None or test is None or len(test) < FEWEST_ROWS:
        return []
    rng = np.random.default_rng(SEED)
    other = test.iloc[np.sort(rng.permutation(len(test))[:MOST_ROWS])]
    one = train.iloc[material.rows]
    sides = Target(np.repeat([0, 1], [len(one), len(other)]), 2)
    part = rng.permutation(len(sides.values)) % 2
    halves = [np.flatnonzero(part == half).astype(np.int64) for half in (0, 1)]
    folds = [(halves[0], halves[1]), (halves[1], halves[0])]
    found = []
    for name in train:
        if name not in test:
            continue
        codes = codes_of(
            pd.concat([one[name].astype(object), other[name].astype(object)], ignore_index=True).infer_objects()
        )
        if codes is None:
            continue
        measured = strength(by_bins(codes), sides, folds)
        if measured.p * train.shape[1] < SURE and measured.auc is not None:
            found.append((str(name), measured.auc))
    return sorted(found, key=lambda driver: -driver[1])[:DRIVERS]
