"""What a model can learn from in training but would not have when it predicts.

Four forms: a column that is there in training and missing or constant in the test set; a relation with the target that
the labelled validation set does not have; dates after the row's own time that tell the target; the target of a later
time, in a series of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api import types

from harness.builtin._splits.time import read_times
from harness.findings import Finding, Severity
from harness.leaks.columns import codes_of, finite, strengths
from harness.leaks.material import Material, is_number
from harness.leaks.strength import SURE, Strength, Target, auc, binned, by_bins, strength, targets_of
from harness.tabular.columns import UNSEEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

KIND = "future-feature"
FEWEST = 50
"""Labelled validation rows from which a relation is looked for among them."""
GONE = 0.25
"""Share of the strength in training that is left of a relation, at most, for it to be gone."""
LATE = 0.05
"""Share of rows whose date is after their time, above which a column is of the future."""
TOGETHER = 0.95
"""Rank correlation with time from which a number is one of time."""
LEADS = 3
"""Steps into the future at which a column is compared with the target."""
SAME = 0.9
"""Share of rows that must hold the later target."""


def check_future(material: Material) -> Iterator[Finding]:
    """Look for columns that know more in training than they will when rows are predicted."""
    found = strengths(material)
    yield from _training_only(material, found)
    yield from _not_in_valid(material, found)
    yield from _dates(material)
    yield from _later_targets(material)


def _training_only(material: Material, found: dict[str, Strength]) -> Iterator[Finding]:
    table, test = material.table("train"), material.table("test") if material.test is not None else None
    if table is None or test is None or not len(test):
        return
    for name, one in found.items():
        if name in test.attrs.get(UNSEEN, ()):  # its values are others, not missing: `harness.leaks.groups` tells
            continue
        state = "has no such column" if name not in test else _empty(table[name], test[name], SURE / len(found))
        if not state:
            continue
        leak = one.clear
        told = f"column {name!r} varies in training, but the test set {state}"
        told += f"; in training it predicts the target ({one.told})" if leak else ""
        measure, value = one.figure
        severity = Severity.LEAK if leak else Severity.WARNING
        yield Finding(KIND, severity, told, "drop it: rows to predict do not have it", measure, value, (name,))


def _empty(train: pd.Series[Any], test: pd.Series[Any], sure: float) -> str:
    if test.isna().all():
        return "" if train.isna().mean() > 0.9 else "has no value of it"
    if len(test) < 20:
        return ""
    constant = bool((test == test.iloc[0]).all())
    # so often does the most frequent value stand in training that a constant test set may be chance
    frequent = float(train.value_counts(normalize=True, dropna=False).iloc[0])
    return "has one value of it only" if constant and len(test) * np.log(frequent) < np.log(sure) else ""


def _not_in_valid(material: Material, found: dict[str, Strength]) -> Iterator[Finding]:
    valid = material.others.get("valid")
    table, other = material.table("train"), material.table("valid") if valid is not None else None
    info = material.prepared.dataset.info
    if table is None or other is None or valid is None or valid.targets is None or len(valid) < FEWEST:
        return
    train = material.train.take(material.rows)
    assert train.targets is not None
    both = np.concatenate([train.targets, valid.targets])
    targets = targets_of(both, info.classes, info.task_type.single_label)
    one, rest = np.arange(len(train)), np.arange(len(train), len(both))
    for name, inside in found.items():
        if not inside.clear or name not in other:
            continue
        codes = codes_of(pd.concat([table[name].iloc[material.rows], other[name]], ignore_index=True))
        if codes is None:
            continue
        outside = [_ranked(codes, target, one, rest) for target in targets]
        before = [_ranked_within(codes, target, material) for target in targets]
        at = int(np.argmax(before))
        if before[at] >= 0.2 and outside[at] + 4 / np.sqrt(len(rest)) * 0.5 < GONE * before[at] + 0.1:
            told = f"column {name!r} predicts the target in training ({inside.told}), but not in the validation set"
            advice = "find out how it came to be in training; drop it"
            yield Finding(KIND, Severity.LEAK, told, advice, *inside.figure, names=(name,))


def _ranked(codes: Codes, target: Target, train: Codes, valid: Codes) -> float:
    """Return how well rows are ordered, whatever the shares of classes: 2 AUC - 1, or Spearman's correlation."""
    predicted, wanted = by_bins(codes)(target, train, valid), target.values[valid]
    if not target.classes:
        ranks = pd.Series(predicted[:, 0]).rank()
        found = float(ranks.corr(pd.Series(wanted).rank())) if ranks.nunique() > 1 else 0.0
        return 0.0 if np.isnan(found) else found
    each = [auc(predicted[:, code], wanted == code) for code in range(target.classes)]
    known = [value for value in each if not np.isnan(value)]
    return 2 * float(np.mean(known)) - 1 if known else 0.0


def _ranked_within(codes: Codes, target: Target, material: Material) -> float:
    return float(np.mean([_ranked(codes, target, train, valid) for train, valid in material.folds]))


def _dates(material: Material) -> Iterator[Finding]:
    table, roles = material.table("train"), material.prepared.dataset.info.roles
    times = material.where["train"].times
    if table is None or times is None or not material.targets:
        return
    own = times[material.rows]
    tests = table.shape[1] * len(material.targets)
    for name in table:
        if name in roles.values():
            continue
        after = _after(table[name].iloc[material.rows], own)
        if after is None or not (late := float((after > 0).sum() / max((~np.isnan(after)).sum(), 1))) > LATE:
            continue
        way = by_bins(binned(after))
        found = [strength(way, target, material.folds, material.units) for target in material.targets]
        one = min(found, key=lambda each: each.p)
        leak = one.p * tests < SURE and one.clear
        told = f"column {name!r} is later than the row's own time ({roles['time']}) in {late:.0%} of rows"
        told += f", and by how much predicts the target ({one.told})" if leak else ""
        advice = "drop it, unless it is a date that was planned before"
        severity = Severity.LEAK if leak else Severity.WARNING
        yield Finding(KIND, severity, told, advice, "share of rows", late, (str(name),))


def _after(values: pd.Series[Any], own: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return by how much each value is after the row's time (seconds, or its units), or None if it is no time."""
    if types.is_datetime64_any_dtype(values.dtype):
        if own.dtype.kind != "M":
            return None
        read = read_times(values.dropna(), str(values.name)).astype("datetime64[ns]")
        full = np.full(len(values), np.datetime64("NaT", "ns"))
        full[values.notna().to_numpy()] = read
        gone = (full - own.astype("datetime64[ns]")) / np.timedelta64(1, "s")
        seconds: NDArray[np.float64] = np.asarray(gone, dtype=np.float64)
        return seconds
    if not is_number(values.dtype) or own.dtype.kind in "mM":
        return None
    numbers, when = finite(values), own.astype(np.float64)
    known = ~np.isnan(numbers) & ~np.isnan(when)
    if known.sum() < 20 or len(np.unique(numbers[known])) < 10:
        return None
    together = pd.Series(numbers[known]).rank().corr(pd.Series(when[known]).rank())
    # on the scale of time a column of times is as near to it as times are to each other
    apart = np.median(np.abs(numbers[known] - when[known]))
    return numbers - when if together > TOGETHER and apart < np.ptp(when[known]) else None


def _later_targets(material: Material) -> Iterator[Finding]:
    table, where = material.table("train"), material.where["train"]
    if table is None or where.times is None or material.prepared.dataset.info.classes or len(table) < 20:
        return
    assert material.train.targets is not None
    groups = where.groups if where.groups is not None else np.zeros(len(table), dtype=np.int64)
    order = np.lexsort((where.times, groups))
    wanted = np.asarray(material.train.targets, dtype=np.float64)[order]
    for name in [name for name, dtype in table.dtypes.items() if is_number(dtype)]:
        numbers = finite(table[name])[order]
        for lead in range(1, LEADS + 1):
            inside = groups[order][lead:] == groups[order][:-lead]
            one, later = numbers[:-lead][inside], wanted[lead:][inside]
            now = wanted[:-lead][inside]
            same = np.isclose(one, later, rtol=1e-6) & ~np.isclose(now, later, rtol=1e-6)
            known = ~np.isnan(one) & ~np.isclose(now, later, rtol=1e-6)
            if known.sum() >= 20 and same.sum() / known.sum() > SAME:
                share = float(same.sum() / known.sum())
                told = f"column {name!r} holds the target of {lead} step{'s' * (lead > 1)} later in {share:.0%} of rows"
                advice = "drop it, or shift it the other way"
                yield Finding(KIND, Severity.LEAK, told, advice, "share of rows", share, (str(name),))
                break
