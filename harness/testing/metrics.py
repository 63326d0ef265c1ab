"""Checks of a metric."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.data import TaskType
from harness.errors import HarnessError
from harness.offers import Metric
from harness.testing.findings import SKIPPED, Finding, attempt, if_sound
from harness.testing.generated import same, table
from harness.testing.hostile import check_clock, check_network
from harness.testing.offered import check_summary
from harness.testing.state import from_before, watched

Floats = NDArray[np.float64]
CLOSE = 1e-9
"""Relative difference that the order of a sum may make."""


@from_before
def check_metric(metric: Metric, meta: pd.DataFrame | None = None, hostile: bool = False) -> Iterator[Finding]:
    """Check a metric on each of its tasks, with perfect and with random predictions of 150 rows.

    Parameters
    ----------
    meta : (150, m) DataFrame, optional
        What the metric needs to know of the rows, beside ``group``, ``time`` and ``fold``.
    hostile : bool
        Also try it without a network and on another day.
    """
    yield check_summary(metric)
    wrong = "" if metric.direction in ("min", "max") else f"{metric.direction!r}, expected 'min' or 'max'"
    yield Finding(metric.name, "direction", wrong)
    yield Finding(metric.name, "tasks", "" if metric.tasks else "names no task")
    for task in sorted(metric.tasks):
        train = table(task).train
        assert train.targets is not None
        known = train.meta if meta is None else meta
        perfect, guess = _perfect(task, train.targets), _guess(metric, task, train.targets)
        try:
            first = metric.score(train.targets.copy(), perfect.copy(), None, known)
            if task is TaskType.REGRESSION and np.isnan(first):  # it asks for intervals
                perfect, guess = np.tile(perfect, 3), guess + np.array([0.0, -0.5, 0.5])
        except (HarnessError, NotImplementedError) as error:
            yield Finding(metric.name, f"{SKIPPED}{task}: {error}")
            continue
        except Exception:  # noqa: S110 - each of the following checks tells it
            pass
        findings = list(_findings(metric, task, train.targets, perfect, guess, known))
        yield from findings
        if hostile:
            yield from if_sound(findings, _hostile(metric, task, train.targets, guess, known))


def _perfect(task: TaskType, targets: NDArray[Any]) -> Floats:
    if task is TaskType.REGRESSION:
        return targets.reshape(-1, 1).astype(np.float64)
    if task is TaskType.MULTILABEL:
        return targets.astype(np.float64)
    hot: Floats = np.eye(int(targets.max()) + 1)[targets]
    return hot


def _guess(metric: Metric, task: TaskType, targets: NDArray[Any]) -> Floats:
    rng = np.random.default_rng(5)
    if task is TaskType.REGRESSION:
        return rng.normal(targets.mean(), targets.std() + 1, (len(targets), 1))
    if task is TaskType.MULTILABEL:
        values: Floats = rng.uniform(0.05, 0.95, targets.shape)
        return (values >= 0.5).astype(np.float64) if metric.needs == "decisions" else values
    shares: Floats = rng.dirichlet(np.ones(int(targets.max()) + 1), len(targets))
    return np.eye(shares.shape[1])[shares.argmax(axis=1)] if metric.needs == "decisions" else shares


def _findings(
    metric: Metric, task: TaskType, targets: NDArray[Any], perfect: Floats, guess: Floats, meta: pd.DataFrame | None
) -> Iterator[Finding]:
    order = np.random.default_rng(6).permutation(len(targets))
    moved = None if meta is None else meta.iloc[order].reset_index(drop=True)

    def compares() -> str:
        best, other = metric.score(targets, perfect, None, meta), metric.score(targets, guess, None, meta)
        if not (np.isfinite(best) and np.isfinite(other)):
            return f"scores {best} and {other} are not finite"
        fits = metric.better(best, other)
        return "" if fits else f"perfect scores {best:.4g}, random {other:.4g}, but direction is {metric.direction!r}"

    def turned() -> str:
        one = metric.score(targets, guess, None, meta)
        return _equal(one, metric.score(targets[order], guess[order], None, moved), "in another order of rows")

    def weights() -> str:
        one = metric.score(targets, guess, None, meta)
        return _equal(one, metric.score(targets, guess, np.ones(len(targets)), meta), "with every weight 1")

    def state() -> str:
        with watched() as changed:
            metric.score(targets, guess, None, meta)
        return "".join(changed)

    def keeps() -> str:
        given, values = targets.copy(), guess.copy()
        metric.score(given, values, None, meta)
        return "" if same(given, targets) and same(values, guess) else "changed what it was given"

    yield attempt(metric.name, f"{task}: leaves what it is given", keeps)
    yield attempt(metric.name, f"{task}: perfect beats random", compares)
    yield attempt(metric.name, f"{task}: the order of rows is nothing", turned)
    yield attempt(metric.name, f"{task}: weights of 1 are none", weights)
    yield attempt(metric.name, f"{task}: leaves global state as it is", state)
    if task.single_label:
        yield attempt(metric.name, f"{task}: rows that lack a class", lambda: _lacks(metric, targets, guess, meta))
    if metric.per_row is not None:
        yield attempt(metric.name, f"{task}: mean of per_row", lambda: _per_row(metric, targets, guess, meta))


def _lacks(metric: Metric, targets: NDArray[Any], guess: Floats, meta: pd.DataFrame | None) -> str:
    rows = np.flatnonzero(targets != targets.max())
    known = None if meta is None else meta.iloc[rows].reset_index(drop=True)
    try:
        score = metric.score(targets[rows], guess[rows], None, known)
    except HarnessError:
        return ""
    return "" if isinstance(score, float) else f"answered {score!r}, expected a float"


def _hostile(
    metric: Metric, task: TaskType, targets: NDArray[Any], guess: Floats, meta: pd.DataFrame | None
) -> Iterator[Finding]:
    def score() -> float:
        return metric.score(targets, guess, None, meta)

    def on_another_day() -> str:
        return _equal(score(), first, "on another day")

    first = score()
    yield check_network(metric.name, f"{task}: reaches no network", score)
    yield check_clock(metric.name, f"{task}: the day is nothing", on_another_day)


def _per_row(metric: Metric, targets: NDArray[Any], values: Floats, meta: pd.DataFrame | None) -> str:
    assert metric.per_row is not None
    rows = metric.per_row(targets, values)
    if np.shape(rows) != (len(targets),):
        return f"has shape {np.shape(rows)}, expected ({len(targets)},)"
    weights = np.random.default_rng(7).uniform(0.5, 2.0, len(targets))
    for given, told in ((None, "unweighted"), (weights, "weighted")):
        problem = _equal(metric.score(targets, values, given, meta), float(np.average(rows, weights=given)), told)
        if problem:
            return problem
    return ""


def _equal(one: float, other: float, when: str) -> str:
    return (
        "" if np.isclose(one, other, rtol=CLOSE, atol=CLOSE, equal_nan=True) else f"{one:.6g}, but {other:.6g} {when}"
    )
