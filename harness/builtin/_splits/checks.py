"""What is wrong with folds, whoever cut them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.builtin._splits.columns import column, groups
from harness.builtin._splits.places import read_places
from harness.builtin._splits.spatial import distances_km
from harness.builtin._splits.time import read_times
from harness.data import Examples, Fold
from harness.errors import listed
from harness.offers import Splitter

if TYPE_CHECKING:
    from harness.data import Rows


def check_folds(folds: Sequence[Fold], examples: Examples, splitter: Splitter, params: Any = None) -> list[str]:
    """List what is wrong with folds, one line each; an empty list means that they can be trusted.

    Rows or ids on both sides, positions outside of the data, rows predicted that are not scored, predicted twice or
    (but for splitters that look forward) never; where `params` has ``group_on``, groups on both sides, and where it has
    ``time_on``, training rows that are not older than every predicted one; where it has ``latitude_on``, training rows
    at the place of a predicted one, or within its ``buffer``.

    Parameters
    ----------
    folds : sequence of Fold
    examples : Examples
        What the folds' positions point into.
    splitter : Splitter
        Who cut them.
    params : dataclass instance, optional
        The splitter's parameters.
    """
    import pandas as pd

    problems = [] if folds else ["there is no fold"]
    repeated = not pd.Index(examples.ids).is_unique
    for fold in folds:
        outside = _outside(fold, len(examples))
        problems += [outside] if outside else _sides(fold, examples, repeated)
    if problems:
        return problems
    problems += _coverage(folds, examples, splitter)
    if getattr(params, "group_on", ""):
        problems += _groups(folds, examples, params.group_on)
    if getattr(params, "time_on", ""):
        problems += _times(folds, examples, params.time_on)
    if getattr(params, "latitude_on", ""):
        problems += _distances(folds, examples, params)
    return problems


def _outside(fold: Fold, n: int) -> str:
    for side, rows in (("train", fold.train), ("valid", fold.valid)):
        if not len(rows):
            return f"fold {fold.index}: {side} is empty"
        if rows.min() < 0 or rows.max() >= n:
            return f"fold {fold.index}: {side} has positions outside of 0..{n - 1}"
    return ""


def _sides(fold: Fold, examples: Examples, repeated: bool) -> Iterator[str]:
    import numpy as np

    counts = [np.bincount(rows, minlength=len(examples)) for rows in (fold.train, fold.valid)]
    for side, count in zip(("train", "valid"), counts, strict=True):
        if (count > 1).any():
            yield f"fold {fold.index}: {int((count > 1).sum())} rows are in {side} twice"
    both = np.flatnonzero((counts[0] > 0) & (counts[1] > 0))
    if len(both):
        yield f"fold {fold.index}: {len(both)} rows in both train and valid: {_named(examples, both)}"
        return
    ids = set(examples.ids[fold.train]) & set(examples.ids[fold.valid]) if repeated else None
    if ids:
        yield f"fold {fold.index}: {len(ids)} ids in both train and valid: {listed(sorted(map(str, ids)))}"


def _coverage(folds: Sequence[Fold], examples: Examples, splitter: Splitter) -> Iterator[str]:
    import numpy as np

    times = np.zeros(len(examples), dtype=np.int64)
    for fold in folds:
        times[fold.valid] += 1
    scored = np.zeros(len(examples), dtype=bool)
    scored[examples.scored_rows()] = True
    for wrong, told in (
        ((times > 0) & ~scored, "predicted, but not scored"),
        (times > 1, "predicted by more than one fold"),
        ((times == 0) & scored & (not splitter.forward), "scored, but predicted by no fold"),
    ):
        if wrong.any():
            yield f"{int(wrong.sum())} rows are {told}: {_named(examples, np.flatnonzero(wrong))}"


def _groups(folds: Sequence[Fold], examples: Examples, group_on: str) -> Iterator[str]:
    import numpy as np

    codes = groups(examples, group_on)
    names = column(examples, "group_on", group_on)
    n = int(codes.max()) + 1
    for fold in folds:
        train, valid = (np.bincount(codes[rows], minlength=n) > 0 for rows in (fold.train, fold.valid))
        shared = train & valid
        if shared.any():
            told = listed(names[shared[codes]].unique())
            yield f"fold {fold.index}: {int(shared.sum())} groups of {group_on!r} in both train and valid: {told}"


def _times(folds: Sequence[Fold], examples: Examples, time_on: str) -> Iterator[str]:
    times = read_times(column(examples, "time_on", time_on), time_on)
    for fold in folds:
        late = fold.train[times[fold.train] >= times[fold.valid].min()]
        if len(late):
            yield (
                f"fold {fold.index}: {len(late)} training rows are not older ({time_on!r}) than every predicted row:"
                f" {_named(examples, late)}"
            )


def _distances(folds: Sequence[Fold], examples: Examples, params: Any) -> Iterator[str]:
    places, buffer = read_places(examples, params.latitude_on, params.longitude_on), getattr(params, "buffer", 0)
    for fold in folds:
        km = distances_km(places, fold.train, fold.valid)
        near = fold.train[(km < buffer) | (km == 0)]
        if len(near):
            where = f"less than {buffer:g} km away from" if buffer else "at the place of"
            told = f"{len(near)} training rows are {where} a predicted row: {_named(examples, near)}"
            yield f"fold {fold.index}: {told}"


def _named(examples: Examples, rows: Rows) -> str:
    return listed(examples.ids[rows])
