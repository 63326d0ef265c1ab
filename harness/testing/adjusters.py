"""Checks of an adjuster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.adjusting import columns_after
from harness.checked import check_values
from harness.data import DatasetInfo, TaskType
from harness.offers import Adjuster, AdjusterInput, Adjustment
from harness.testing.bench import REFUSALS, SEED
from harness.testing.findings import SKIPPED, Finding, attempt, if_sound, raised
from harness.testing.generated import same, table
from harness.testing.hostile import check_clock, check_network, check_refusal
from harness.testing.offered import check_params, ready_params
from harness.testing.state import from_before, watched

Floats = NDArray[np.float64]


@from_before
def check_adjuster(adjuster: Adjuster, params: Any = None, hostile: bool = False) -> Iterator[Finding]:
    """Check an adjuster on predictions of 150 rows, which are fair but too sure, for each of its tasks.

    Parameters
    ----------
    params : dataclass instance, optional
        Parameters to try it with, instead of the defaults.
    hostile : bool
        Also try it without a network, on another day, and with no rows.
    """
    yield from check_params(adjuster)
    yield Finding(adjuster.name, "tasks", "" if adjuster.tasks else "names no task")
    chosen = ready_params(adjuster, params)
    if chosen is None:
        return
    for task in sorted(adjuster.tasks):
        bench = _bench(adjuster, chosen, task)
        try:
            adjustment = bench.fitted()
        except REFUSALS as error:
            yield Finding(adjuster.name, f"{SKIPPED}{task}: {error}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin's SystemExit must not end the checks
            yield Finding(adjuster.name, f"{task}: fit", raised(error))
        else:
            yield Finding(adjuster.name, f"{task}: fit", bench.changed())
            findings = list(_findings(bench, task, adjustment))
            yield from findings
            if hostile:
                yield from if_sound(findings, _hostile(bench, task, adjustment))


@dataclass(frozen=True, eq=False)
class _Bench:
    """One adjuster on one task: OOF predictions, and those of a test set that it may look at."""

    adjuster: Adjuster
    params: Any
    info: DatasetInfo
    oof: AdjusterInput
    reference: Floats
    original: Floats

    def built(self) -> Adjustment:
        return self.adjuster.build(self.params, self.info)

    def fitted(self, weights: Floats | None = None) -> Adjustment:
        adjustment = self.built()
        adjustment.fit(self.oof if weights is None else replace(self.oof, weights=weights))
        return adjustment

    def changed(self) -> str:
        return "" if same(self.oof.values, self.original) else "fit changed the values it was given"


def _bench(adjuster: Adjuster, params: Any, task: TaskType) -> _Bench:
    data = table(task)
    targets = data.train.targets
    assert targets is not None
    values = _values(task, targets)
    shares = None
    if task.single_label:
        shares = np.bincount(targets, minlength=len(data.info.classes)) / len(targets)
    trained = None if shares is None else np.full(len(shares), 1 / len(shares))
    oof = AdjusterInput(values, targets, None, data.train.meta, shares, trained, SEED)
    return _Bench(adjuster, params, data.info, oof, values[::-1][:60].copy(), values.copy())


def _values(task: TaskType, targets: NDArray[Any]) -> Floats:
    rng = np.random.default_rng(11)
    if task is TaskType.REGRESSION:
        points: Floats = (targets + rng.normal(0, 0.4, len(targets))).reshape(-1, 1)
        return points
    if task is TaskType.MULTILABEL:
        sure: Floats = 1 / (1 + np.exp(-(3 * (targets - 0.5) + rng.normal(0, 2, targets.shape))))
        return sure
    scores = 2.5 * np.eye(int(targets.max()) + 1)[targets] + rng.normal(0, 1.5, (len(targets), int(targets.max()) + 1))
    likely: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    return likely


def _findings(bench: _Bench, task: TaskType, adjustment: Adjustment) -> Iterator[Finding]:
    name = bench.adjuster.name
    yield attempt(name, f"{task}: apply without a reference", lambda: _applies(bench, task, adjustment, None))
    try:
        with watched() as changed:
            twin = bench.fitted()
            plain, twins = (made.apply(bench.oof.values, None) for made in (adjustment, twin))
            referred = twin.apply(bench.oof.values, bench.reference)
    except Exception as error:
        yield Finding(name, f"{task}: apply with a reference", raised(error))
        return
    told = "" if same(plain, twins) else "a second fit adjusts otherwise; seed it from the input's seed"
    yield Finding(name, f"{task}: same seed, same bytes", told)
    yield Finding(name, f"{task}: leaves global state as it is", "".join(changed))
    honest = bench.adjuster.sees_test or same(twins, referred)
    told = "" if honest else "a reference changes the result, but the offer does not say sees_test=True"
    yield Finding(name, f"{task}: says whether it sees the test set", told)
    yield attempt(name, f"{task}: apply with a reference", lambda: _applies(bench, task, adjustment, bench.reference))
    yield attempt(name, f"{task}: decisions are 0 and 1", lambda: _decides(bench, adjustment))
    yield attempt(name, f"{task}: state and restore", lambda: _restores(bench, adjustment))
    yield attempt(name, f"{task}: takes weights", lambda: _weights(bench, task))
    yield attempt(name, f"{task}: notes are lines", lambda: _notes(adjustment))


def _hostile(bench: _Bench, task: TaskType, adjustment: Adjustment) -> Iterator[Finding]:
    name, oof = bench.adjuster.name, bench.oof
    first = adjustment.apply(oof.values.copy(), None)

    def anew() -> Floats:
        return bench.fitted().apply(oof.values.copy(), None)

    def on_another_day() -> str:
        return "" if same(anew(), first) else "on another day it adjusts otherwise"

    def fit_nothing() -> None:
        meta = None if oof.meta is None else oof.meta.iloc[:0]
        bench.built().fit(replace(oof, values=oof.values[:0], targets=oof.targets[:0], meta=meta))

    def apply_nothing() -> None:
        found = np.shape(adjustment.apply(oof.values[:0], None))
        if found[0] != 0:
            raise ValueError(f"no rows became {found}")

    yield check_network(name, f"{task}: reaches no network", anew)
    yield check_clock(name, f"{task}: the day is nothing", on_another_day)
    yield check_refusal(name, f"{task}: takes or refuses no rows to learn from", fit_nothing)
    yield check_refusal(name, f"{task}: takes or refuses no rows to adjust", apply_nothing)


def _applies(bench: _Bench, task: TaskType, adjustment: Adjustment, reference: Floats | None) -> str:
    given = bench.oof.values.copy()
    values = adjustment.apply(given, reference)
    if not same(given, bench.original):
        return "apply changed the values it was given"
    wanted = (len(given), len(columns_after([adjustment], bench.info.outputs)))
    if np.shape(values) != wanted:
        return f"{given.shape} became {np.shape(values)}, expected {wanted}"
    check_values(values, task, bench.adjuster.name)
    return ""


def _decides(bench: _Bench, adjustment: Adjustment) -> str:
    values = adjustment.apply(bench.oof.values, bench.reference)
    decided = adjustment.decide(values)
    if decided is None:
        return ""
    if np.shape(decided) != (len(values), len(bench.info.outputs)):
        return f"have shape {np.shape(decided)}, expected {(len(values), len(bench.info.outputs))}"
    return "" if np.isin(decided, (0, 1)).all() else "hold other values"


def _restores(bench: _Bench, adjustment: Adjustment) -> str:
    adjustment.apply(bench.oof.values, bench.reference)
    state = adjustment.state()
    again = bench.built()
    again.restore(json.loads(json.dumps(state, allow_nan=False)))
    for reference in (None, bench.reference):
        one, other = (made.apply(bench.oof.values, reference) for made in (adjustment, again))
        if not same(one, other):
            told = "without" if reference is None else "with"
            return f"the restored one adjusts otherwise {told} a reference"
    return "" if same(adjustment.decide(one), again.decide(one)) else "the restored one decides otherwise"


def _weights(bench: _Bench, task: TaskType) -> str:
    weights = np.random.default_rng(12).uniform(0.5, 2.0, len(bench.oof.values))
    return _applies(bench, task, bench.fitted(weights / weights.mean()), None)


def _notes(adjustment: Adjustment) -> str:
    notes = adjustment.notes
    fine = isinstance(notes, list) and all(isinstance(note, str) and "\n" not in note for note in notes)
    return "" if fine else f"{notes!r}, expected a list of single lines"
