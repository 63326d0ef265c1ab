"""The mean over seeds: a submission and a line of the leaderboard of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.data import Predictions, TaskType
from harness.derived import Derived, mean_of, store_derived
from harness.planning import Plan
from harness.prepare import Prepared
from harness.results import Run, RunResult, Scored
from harness.store import Workspace, digest_of


def mean_over_seeds(
    prepared: Prepared, plans: Sequence[Plan], results: Sequence[RunResult], workspace: Workspace
) -> RunResult:
    """Average the adjusted predictions of one strategy over its seeds; score and store them like any run.

    Parameters
    ----------
    plans, results : sequences of the same length
        One for each seed. Folds do not depend on the seed, so that the OOF rows are the same.
    """
    run = mean_run(plans, workspace)
    task = prepared.competition.task
    valids = [result.valid for result in results if result.valid is not None]
    test, decisions = _mean_test(results, task)
    made = Derived(
        oof=_mean_scored([result.oof for result in results], task),
        valid=_mean_scored(valids, task) if valids else None,
        test=test,
        test_decisions=decisions,
        notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
        marks=results[0].marks,
        seconds=sum(result.seconds for result in results),
        record={"seeds": [plan.run.seed for plan in plans]},
        extra={"members": list(run.identity["mean_of"])},
    )
    return store_derived(prepared, run, made, figures=False)


def mean_run(plans: Sequence[Plan], workspace: Workspace) -> Run:
    """Return who the mean over seeds is, before anything is trained."""
    first = plans[0].run
    identity = {"mean_of": sorted(plan.run.run_id for plan in plans)}
    run_id = f"{first.run_id.rsplit('-s', 1)[0]}-mean-{digest_of(identity)[:8]}"
    return replace(
        first,
        seed=None,
        run_id=run_id,
        directory=workspace.runs(first.competition) / run_id,
        identity=identity,
        label=f"{first.label} (mean of {len(plans)} seeds)",
    )


def _mean_scored(members: Sequence[Scored], task: TaskType) -> Scored:
    first = members[0]
    values, decisions = mean_of([s.predictions.values for s in members], [s.decisions for s in members], task)
    predictions = Predictions(first.predictions.ids, values, first.predictions.columns)
    return replace(first, predictions=predictions, decisions=decisions)


def _mean_test(results: Sequence[RunResult], task: TaskType) -> tuple[Predictions | None, Predictions | None]:
    tests = [result.test for result in results if result.test is not None]
    if not tests:
        return None, None
    decided = [None if result.test_decisions is None else result.test_decisions.values for result in results]
    values, decisions = mean_of([test.values for test in tests], decided, task)
    ids, columns = tests[0].ids, tests[0].columns
    if decisions is None:
        return Predictions(ids, values, columns), None
    assert results[0].test_decisions is not None
    return Predictions(ids, values, columns), Predictions(ids, decisions, results[0].test_decisions.columns)
