"""The mean over seeds: a submission and a line of the leaderboard of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.data import Predictions, TaskType
from harness.files import write_json
from harness.planning import Plan
from harness.prepare import Prepared
from harness.records import write_run_result
from harness.results import Run, RunResult, Scored
from harness.scoring import oof_meta, score
from harness.store import RUN, Workspace, digest_of
from harness.submitting import make_submission, write_checked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def mean_over_seeds(
    prepared: Prepared, plans: Sequence[Plan], results: Sequence[RunResult], workspace: Workspace
) -> RunResult:
    """Average the adjusted predictions of one strategy over its seeds; score and store them like any run.

    Parameters
    ----------
    plans, results : sequences of the same length
        One for each seed. Folds do not depend on the seed, so that the OOF rows are the same.
    """
    run = _mean_run(plans, workspace)
    task = prepared.competition.task
    oof = _mean_scored([result.oof for result in results], task)
    valids = [result.valid for result in results if result.valid is not None]
    valid = _mean_scored(valids, task) if valids else None
    scores, fold_scores = score(prepared, oof, oof_meta(prepared), valid)
    test, decisions = _mean_test(results, task)
    submission = make_submission(prepared, test, decisions)
    path = None if submission is None else run.directory / "submission.csv"
    write_json(run.directory / RUN, _record(run, plans))
    if submission is not None and path is not None:
        write_checked(prepared, submission, path)
    result = RunResult(
        run=run,
        status=results[0].status,
        scores=scores,
        folds=(),
        oof=oof,
        valid=valid,
        test=test,
        test_decisions=decisions,
        notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
        marks=results[0].marks,
        seconds=sum(result.seconds for result in results),
        submission=path,
    )
    extra = {"baseline": False, "members": list(run.identity["mean_of"]), "tasks": [], "adjusters": []}
    write_run_result(prepared, run, result, fold_scores, extra)
    return result


def _mean_run(plans: Sequence[Plan], workspace: Workspace) -> Run:
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


def _record(run: Run, plans: Sequence[Plan]) -> dict[str, object]:
    return {
        "competition": run.competition,
        "strategy": run.strategy,
        "label": run.label,
        "seed": None,
        "seeds": [plan.run.seed for plan in plans],
        "run_id": run.run_id,
        "fast": run.fast,
        "identity": dict(run.identity),
        "facts": dict(run.facts),
    }


def _mean_scored(members: Sequence[Scored], task: TaskType) -> Scored:
    first = members[0]
    values, decisions = _mean([scored.predictions for scored in members], [s.decisions for s in members], task)
    predictions = Predictions(first.predictions.ids, values, first.predictions.columns)
    return replace(first, predictions=predictions, decisions=decisions)


def _mean_test(results: Sequence[RunResult], task: TaskType) -> tuple[Predictions | None, Predictions | None]:
    tests = [result.test for result in results if result.test is not None]
    if not tests:
        return None, None
    decided = [None if result.test_decisions is None else result.test_decisions.values for result in results]
    values, decisions = _mean(tests, decided, task)
    ids, columns = tests[0].ids, tests[0].columns
    if decisions is None:
        return Predictions(ids, values, columns), None
    assert results[0].test_decisions is not None
    return Predictions(ids, values, columns), Predictions(ids, decisions, results[0].test_decisions.columns)


def _mean(
    predictions: Sequence[Predictions], decided: Sequence[Floats | None], task: TaskType
) -> tuple[Floats, Floats | None]:
    """Average values; decide by the majority of the seeds, equal votes by the mean probability."""
    import numpy as np

    values: Floats = np.mean([member.values for member in predictions], axis=0)
    votes = [member for member in decided if member is not None]
    if not votes:
        return values, None
    share: Floats = np.mean(votes, axis=0)
    if task is TaskType.MULTILABEL:
        return values, (share >= 0.5).astype(np.float64)
    decisions: Floats = np.eye(share.shape[1])[(share + 1e-6 * values).argmax(axis=1)]
    return values, decisions
