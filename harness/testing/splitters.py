"""Checks of a splitter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.builtin.splits import check_folds
from harness.data import DatasetInfo, Examples, Fold, TaskType
from harness.errors import DataError, listed
from harness.offers import Splitter
from harness.testing.bench import REFUSALS
from harness.testing.findings import SKIPPED, Finding, attempt, raised
from harness.testing.generated import copied, same, same_examples, table
from harness.testing.hostile import check_clock, check_network, check_refusal
from harness.testing.offered import check_params, ready_params
from harness.testing.state import from_before, watched


@from_before
def check_splitter(
    splitter: Splitter,
    params: Any = None,
    examples: Examples | None = None,
    info: DatasetInfo | None = None,
    hostile: bool = False,
) -> Iterator[Finding]:
    """Check a splitter: sides disjoint, every scored row covered once, the same folds every time.

    Parameters
    ----------
    params : dataclass instance, optional
        Parameters to try it with, instead of the defaults.
    examples, info : optional
        Rows with the meta columns it needs; without them, generated rows that have ``group``, ``time``, ``fold``,
        ``latitude`` and ``longitude``.
    hostile : bool
        Also try it without a network, on another day, and with next to no rows.
    """
    yield from check_params(splitter)
    chosen = ready_params(splitter, params)
    if chosen is None:
        return
    data = table(TaskType.BINARY)
    rows, about = (data.train, data.info) if examples is None or info is None else (examples, info)
    given = copied(rows)
    try:
        folds = tuple(splitter.split(chosen, given, about))
    except REFUSALS as error:
        yield Finding(splitter.name, f"{SKIPPED}{error}")
        return
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's SystemExit must not end the checks
        yield Finding(splitter.name, "split", raised(error))
        return
    kept = same_examples(given, rows)
    yield Finding(splitter.name, "split", "" if kept else "changed the rows it was given")
    yield attempt(splitter.name, "folds are folds", lambda: _kinds(folds))
    yield attempt(splitter.name, "leaves global state as it is", lambda: _state(splitter, chosen, rows, about))
    yield attempt(splitter.name, "disjoint, every row covered once", lambda: _sound(folds, rows, splitter, chosen))
    yield attempt(
        splitter.name, "the same folds every time", lambda: _repeats(folds, splitter.split(chosen, rows, about))
    )
    yield attempt(splitter.name, "unscored rows only train", lambda: _unscored(splitter, chosen, rows, about))
    yield attempt(splitter.name, "cuts an inner holdout", lambda: _inner(splitter, chosen, rows, about, folds))
    if hostile:
        yield from _hostile(splitter, chosen, rows, about, folds)


def _kinds(folds: Sequence[Any]) -> str:
    for position, fold in enumerate(folds):
        if not isinstance(fold, Fold):
            return f"yielded a {type(fold).__name__}, expected Fold"
        if fold.index != position:
            return f"fold {position} says it is {fold.index}"
        for side, rows in (("train", fold.train), ("valid", fold.valid)):
            if not isinstance(rows, np.ndarray) or rows.dtype != np.int64:
                return f"fold {position}: {side} is {getattr(rows, 'dtype', type(rows).__name__)}, expected int64"
    return ""


def _sound(folds: Sequence[Fold], rows: Examples, splitter: Splitter, params: Any) -> str:
    return listed(check_folds(folds, rows, splitter, params), 3)


def _repeats(folds: Sequence[Fold], again: Any) -> str:
    others = tuple(again)
    alike = len(folds) == len(others) and all(
        same(one.train, other.train) and same(one.valid, other.valid) for one, other in zip(folds, others, strict=True)
    )
    return "" if alike else "a second split of the same rows gives other folds"


def _unscored(splitter: Splitter, params: Any, rows: Examples, info: DatasetInfo) -> str:
    some = replace(rows, scored=np.arange(len(rows)) % 4 != 0)
    return _sound(tuple(splitter.split(params, some, info)), some, splitter, params)


def _state(splitter: Splitter, params: Any, rows: Examples, info: DatasetInfo) -> str:
    with watched() as changed:
        tuple(splitter.split(params, rows, info))
    return "".join(changed)


def _hostile(
    splitter: Splitter, params: Any, rows: Examples, info: DatasetInfo, folds: Sequence[Fold]
) -> Iterator[Finding]:
    def split(n: int = len(rows)) -> tuple[Fold, ...]:
        return tuple(splitter.split(params, rows.take(np.arange(n)), info))

    yield check_network(splitter.name, "reaches no network", split)
    yield check_clock(splitter.name, "the day is nothing", lambda: _repeats(folds, split()))
    yield check_refusal(splitter.name, "takes or refuses no rows", lambda: split(0))
    yield check_refusal(splitter.name, "takes or refuses a single row", lambda: split(1))


def _inner(splitter: Splitter, params: Any, rows: Examples, info: DatasetInfo, folds: Sequence[Fold]) -> str:
    train = rows.take(folds[-1].train)
    try:
        inner = tuple(splitter.split(params, train, info))
    except DataError:
        # the harness then asks for fewer folds
        return ""
    return _sound(inner, train, splitter, params)
