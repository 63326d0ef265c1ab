"""Which split resembles the test set: a distance between what sets two pairs of sides apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.audit.sides import Sides

WEIGHTS = {"group_overlap": 1.0, "later": 1.0, "nearest_km": 1.0, "auc": 0.25}
"""What a difference in each fact counts; how rows belong together says more than how well a model tells them apart."""
FAR_KM = 1000.0
"""Distances of 0 and of this many km are as different as they can be."""
NEAR = 0.05
"""Distances that differ by less are as good as equal."""
AT_RANDOM = Sides(auc=0.5, group_overlap=1.0, later=0.0, nearest_km=0.0)
"""What rows dealt at random look like."""


@dataclass(frozen=True)
class Verdict:
    """Which split to trust.

    Attributes
    ----------
    split : str
    reason : str
        One sentence.
    own_fits : bool
        Whether the competition's own split is it, or as near.
    distances : mapping of str to float or None
        Of each split to the test set; without one, to rows dealt at random.
    """

    split: str
    reason: str
    own_fits: bool
    distances: Mapping[str, float | None]


def distance(one: Sides, other: Sides) -> float | None:
    """Measure how differently two pairs of sides lie, from 0 to 1; None if they have no fact in common.

    The weighted mean of the differences in what both know (`WEIGHTS`): shares as they are, an AUC's twice, distances
    by the logarithm of 1 + km, in units of that of 1 + `FAR_KM`, 1 at most.

    Examples
    --------
    >>> train_test = Sides(auc=1.0, group_overlap=0.0, nearest_km=2.0)
    >>> round(distance(train_test, Sides(auc=0.9, group_overlap=0.0, nearest_km=1.5)), 3)
    0.034
    >>> round(distance(train_test, Sides(auc=0.5, group_overlap=1.0, nearest_km=0.0)), 3)
    0.626
    """
    total = weight = 0.0
    for name, counts in WEIGHTS.items():
        a, b = getattr(one, name), getattr(other, name)
        if a is None or b is None:
            continue
        if name == "nearest_km":
            difference = abs(math.log1p(a) - math.log1p(b)) / math.log1p(FAR_KM)
        else:
            difference = abs(a - b) * (2 if name == "auc" else 1)
        total += counts * min(difference, 1.0)
        weight += counts
    return total / weight if weight else None


def recommend(splits: Mapping[str, Sides], test: Sides | None, own: str) -> Verdict:
    """Name the split nearest to the test set, or without one the split farthest from rows dealt at random.

    Of splits as near as each other the competition's own one is named, else the first.

    Parameters
    ----------
    splits : mapping of str to Sides
        At least one.
    own : str
        The competition's own split.
    """
    goal = AT_RANDOM if test is None else test
    distances = {name: distance(sides, goal) for name, sides in splits.items()}
    sign = -1 if test is None else 1
    known = {name: sign * value for name, value in distances.items() if value is not None} or {own: 0.0}
    best = min(known.values())
    named = own if own in known and known[own] <= best + NEAR else min(known, key=lambda name: known[name])
    reason = _reason(named, splits.get(named, Sides()), test)
    return Verdict(named, reason, named == own, distances)


def _reason(name: str, sides: Sides, test: Sides | None) -> str:
    told = _told(sides)
    if test is None:
        return f"there is no test set to resemble; it is the most cautious: of what it validates, {told or 'all'}"
    wanted = _told(test)
    if not wanted or not told:
        return "nothing is known of groups, times or places, and inputs are no table that could be compared"
    return f"of the test set, {wanted}; of what {name} validates, {told}"


def _told(sides: Sides) -> str:
    texts = []
    if sides.group_overlap is not None:
        texts.append(f"{sides.group_overlap:.0%} have their group in training")
    if sides.later is not None:
        texts.append(f"{sides.later:.0%} are later than all training rows")
    if sides.nearest_km is not None:
        texts.append(f"half are {sides.nearest_km:.3g} km or more from a training place")
    if sides.auc is not None and not texts:
        texts.append(f"a classifier tells them from training rows with AUC {sides.auc:.2f}")
    return ", ".join(texts)
