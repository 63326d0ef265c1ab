"""Groups on both sides, and a test set later than training, where folds are not so.

Groups on both sides are harmless where the test set's rows have theirs in training too. Where they do not, or nothing
shows that they do, a validated row whose group was trained on is easier than a row to predict.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.audit.guard import MOST
from harness.audit.sides import compare
from harness.findings import Finding, Severity
from harness.leaks.material import Material

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
