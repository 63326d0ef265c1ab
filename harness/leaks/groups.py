"""Groups on both sides, and a test set later than training, where folds are not so.

Groups on both sides are harmless where the test set's rows have theirs in training too. Where they do not, or nothing
shows that they do, a validated row whose group was trained on is easier than a row to predict. A column that nobody
declared a group is one if folds part its values while the test set has none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api import types

from harness.audit.guard import MOST
from harness.audit.sides import compare
from harness.findings import Finding, Severity
from harness.leaks.material import Material
from harness.leaks.strength import SURE
from harness.tabular.columns import UNSEEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

SOME = 0.02
"""Share of rows below which groups do not straddle."""


def check_groups(material: Material) -> Iterator[Finding]:
    """Compare how folds and the test set lie to the groups and times of training."""
    roles, where = material.prepared.dataset.info.roles, material.where
    train = where["train"]
    sides = [compare(train.take(one), train.take(other)) for one, other in material.whole_folds]
    test = compare(train, where["test"]) if "test" in where else None
    shared = _mean([one.group_overlap for one in sides])
    reached = None if test is None else test.group_overlap
    if shared is not None:
        yield from _straddling(shared, reached, roles["group"])
    yield from _undeclared(material)
    later = _mean([one.later for one in sides])
    if test is not None and test.later is not None and later is not None and test.later > MOST > later:
        told = f"{test.later:.0%} of test rows are later ({roles['time']}) than all of train, {later:.0%} of validated"
        advice = 'validate forward in time: [split] use = "time"; see: harness split-audit'
        yield Finding("later-test", Severity.WARNING, told, advice, "share of test rows", test.later)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _straddling(shared: float, reached: float | None, group: str) -> Iterator[Finding]:
    kind, advice = "group-overlap", 'keep groups whole: [split] use = "group"; see: harness split-audit'
    measure, names = "share of validated rows", (group,)
    told = f"{shared:.0%} of validated rows have their group ({group}) in training"
    if reached is None:
        if shared > SOME:
            severity = Severity.LEAK if shared > MOST else Severity.WARNING
            yield Finding(
                kind, severity, f"{told}, and no test set shows that this is right", advice, measure, shared, names
            )
        return
    if shared - reached > max(SOME, 0.1 * shared):
        severity = Severity.LEAK if reached < MOST else Severity.WARNING
        yield Finding(kind, severity, f"{told}, but {reached:.0%} of test rows", advice, measure, shared, names)
    elif reached > SOME >= shared:
        told = f"folds keep groups ({group}) whole, but {reached:.0%} of test rows are of groups that train has"
        advice = "take these groups out of train, or out of the test set"
        yield Finding(kind, Severity.LEAK, told, advice, "share of test rows", reached, names)
    elif shared > SOME:
        told = f"{reached:.0%} of test rows have their group ({group}) in training, {shared:.0%} of validated rows"
        yield Finding(
            kind, Severity.NOTE, told, "folds are as the test set; nothing is to be done", measure, shared, names
        )


def _undeclared(material: Material) -> Iterator[Finding]:
    """Find columns of names whose values are all new in the test set, while folds part them."""
    test = material.test
    if test is None or not len(test):
        return
    found = list(_all_new(material))
    for name, codes, is_input in found:
        shared = _mean([_shared(codes[one], codes[other]) for one, other in material.whole_folds])
        # were the test set cut like the folds, each of its rows would be of a known value with probability `shared`
        if shared is None or shared < MOST or (1 - shared) ** len(test) * len(found) > SURE:
            continue
        told = f"none of the test set's values of {name!r} occur in training"
        told += f", but {shared:.0%} of validated rows have theirs there"
        advice = f'probably a group: split by it ([split] use = "group", group_on = {name!r}'
        advice += ", and the column listed under meta)" if is_input else ")"
        yield Finding("group-overlap", Severity.LEAK, told, advice, "share of validated rows", shared, (name,))


def _all_new(material: Material) -> Iterator[tuple[str, Codes, bool]]:
    """Return columns of which the test set has only new values: beside the inputs, and categories among them (True)."""
    test, roles = material.test, set(material.prepared.dataset.info.roles.values())
    assert test is not None
    inputs, others = material.table("train"), material.table("test")
    pairs = [(material.train.meta, test.meta, False), (inputs, others, True)]
    for table, other, are_inputs in pairs:
        if table is None or other is None:
            continue
        unseen = other.attrs.get(UNSEEN, {}) if are_inputs else {}
        for name in map(str, table.columns):
            if name in roles or name not in other or not _names(table[name], are_inputs):
                continue
            known = _filled(other[name])
            if not are_inputs and _is_target(_filled(table[name]), material):
                continue
            if (len(known) or unseen.get(name)) and not known.astype(object).isin(table[name].astype(object)).any():
                yield name, pd.factorize(table[name].astype(object))[0].astype(np.int64), are_inputs


def _filled(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return the values that are not missing, an empty text among those."""
    known = values.dropna()
    return known[(known.astype(object) != "").to_numpy(dtype=bool)]


def _is_target(values: pd.Series[Any], material: Material) -> bool:
    """Whether a column holds the classes, as the rows of a source may carry theirs beside the inputs."""
    targets, classes = material.train.targets, material.prepared.dataset.info.classes
    if targets is None or not classes or not len(values) or np.ndim(targets) != 1:
        return False
    names = np.asarray(classes, dtype=object)[np.asarray(targets)[values.index]]
    return bool((values.astype(str).to_numpy(dtype=object) == names).all())


def _names(values: pd.Series[Any], is_input: bool) -> bool:
    """Whether a column holds names of something, two at least; beside the inputs whole numbers may be such."""
    kind = values.dtype
    if is_input:
        fits = isinstance(kind, pd.CategoricalDtype)
    else:
        fits = isinstance(kind, pd.CategoricalDtype) or types.is_string_dtype(kind) or types.is_integer_dtype(kind)
    return fits and values.nunique() > 1 and not _are_dates(values)


def _are_dates(values: pd.Series[Any]) -> bool:
    """Whether they are dates written as text: a test set of later days is no other group."""
    texts = pd.Series(values.dropna().unique()[:50]).astype(str)
    return bool(pd.to_datetime(texts, errors="coerce", format="ISO8601").notna().all()) and bool(
        texts.str.contains("-").all()
    )


def _shared(train: Codes, valid: Codes) -> float | None:
    known = valid[valid >= 0]
    return float(np.isin(known, train).mean()) if len(known) else None
