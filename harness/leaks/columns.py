"""A column that alone nearly gives the target, and one that numbers the rows.

A strong column may be the very point of the task, so being strong is not enough: a leak explains nearly all of the
target, or explains most of it while no other column explains half as much.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api import types

from harness.findings import Finding, Severity
from harness.leaks.material import Material, is_number
from harness.leaks.strength import NONE, SURE, Strength, best, binned, by_bins, strength

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

NEARLY, NEARLY_AUC = 0.95, 0.995
"""Share explained, or AUC, that is a copy of the target whatever other columns do."""
MOST, MOST_AUC = 0.8, 0.98
"""The same of a column that stands alone."""
FEW_BINS = 8
FAR = 0.5
"""Share of its strength that the next best column may have."""


def check_columns(material: Material) -> Iterator[Finding]:
    """Look at every column by itself."""
    found = strengths(material)
    strong = {name: one for name, one in found.items() if one.share >= MOST or (one.auc or 0) >= MOST_AUC}
    for name, one in strong.items():
        next_best = max((other.share for rest, other in found.items() if rest != name), default=0.0)
        alone = next_best < FAR * one.share
        whole = one.share >= NEARLY or (one.auc or 0) >= NEARLY_AUC
        leak = whole or (alone and len(found) > 1)
        told = f"column {name!r} alone nearly gives the target ({one.told}, {one.share:.0%} of it explained)"
        if not whole:
            told += f"; the next best column explains {next_best:.0%}"
        advice = "drop it, unless it is truly known before the target; then accept it with that reason"
        measure, value = one.figure
        severity = Severity.LEAK if leak else Severity.WARNING
        yield Finding("target-copy", severity, told, advice, measure, value, (name,))
    yield from _counting(material, found)


@lru_cache(maxsize=1)
def strengths(material: Material) -> dict[str, Strength]:
    """Measure each input column of a table alone, but those that are roles; what chance could do counts nothing."""
    table = material.table("train")
    if table is None or not material.targets:
        return {}
    roles = set(material.prepared.dataset.info.roles.values())
    names = [name for name in table if name not in roles]
    tests = len(names) * len(material.targets)
    found = {}
    for name in names:
        codes = codes_of(table[name].iloc[material.rows])
        if codes is None:
            continue
        ways = [codes, coarse] if len(coarse := coarser(codes)) else [codes]
        one = best(
            [
                strength(by_bins(way), target, material.folds, material.units)
                for target in material.targets
                for way in ways
            ]
        )
        # `best` has counted the targets
        found[str(name)] = one if one.p * tests / len(material.targets) < SURE else NONE
    return found


def codes_of(values: pd.Series[Any]) -> Codes | None:
    """Cut a column into bins; None where it is constant or cannot be read."""
    if types.is_datetime64_any_dtype(values.dtype) or types.is_timedelta64_dtype(values.dtype):
        values = values.astype("int64").astype(float).where(values.notna())
    if is_number(values.dtype) or types.is_bool_dtype(values.dtype):
        codes = binned(finite(values))
    else:
        try:
            codes = pd.factorize(values.astype(object), use_na_sentinel=False)[0].astype(np.int64)
        except TypeError:  # lists and the like cannot be compared
            return None
    return codes if len(codes) and codes.min() < codes.max() else None


def coarser(codes: Codes) -> Codes:
    """Join bins of ordered values to a few, whose shares are surer; nothing where there are few already."""
    counts = np.bincount(codes)
    if len(counts) <= 2 * FEW_BINS:
        return codes[:0]
    before = np.cumsum(counts) - counts
    joined: Codes = np.minimum(before * FEW_BINS // len(codes), FEW_BINS - 1)[codes].astype(np.int64)
    return joined


def finite(values: pd.Series[Any]) -> NDArray[np.float64]:
    """Return numbers, infinities as the largest and smallest there are."""
    numbers: NDArray[np.float64] = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.nan_to_num(numbers, nan=np.nan) if np.isinf(numbers).any() else numbers


def _counting(material: Material, found: dict[str, Strength]) -> Iterator[Finding]:
    table = material.table("train")
    if table is None or len(material.rows) < 20:
        return
    for name in found:
        values = table[name]
        if not is_number(values.dtype):
            continue
        numbers = finite(values.iloc[material.rows])
        steps = np.diff(numbers)
        if not ((steps > 0).all() and len(np.unique(steps / np.diff(material.rows))) == 1):
            continue
        one = found[name]
        leak = one.clear and one is not NONE
        told = f"column {name!r} numbers the training rows" + (f" and predicts the target ({one.told})" if leak else "")
        measure, value = one.figure
        severity = Severity.LEAK if leak else Severity.WARNING
        yield Finding("id-as-input", severity, told, "drop it: no input", measure, value, (name,))
