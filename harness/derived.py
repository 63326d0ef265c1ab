"""Runs that are made from predictions instead of trained: a mean over seeds, a blend, an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.data import Predictions, TaskType
from harness.files import write_json
from harness.planning import run_record
from harness.prepare import Prepared
from harness.records import write_figures, write_run_result
from harness.results import Run, RunResult, Scored, Status
from harness.scoring import oof_meta, score
from harness.store import RUN
from harness.submitting import make_submission, write_checked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Derived:
    """Predictions of a run that was not trained, and what is to be known of them.

    Attributes
    ----------
    record : mapping
        What ``run.json`` holds beside what every run has.
    extra : mapping
        What ``result.json`` holds beside what every run has.
    """

    oof: Scored
    valid: Scored | None
    test: Predictions | None
    test_decisions: Predictions | None
    notes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    seconds: float = 0.0
    record: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] | None = None


def store_derived(prepared: Prepared, run: Run, made: Derived, figures: bool = True) -> RunResult:
    """Score predictions, write their checked submission, their figures and their records, as of any run.

    Raises
    ------
    HarnessError
        If nobody makes their submission, or it is not valid; ``result.json`` is then not written.
    """
    scores, fold_scores = score(prepared, made.oof, oof_meta(prepared), made.valid)
    submission = make_submission(prepared, made.test, made.test_decisions)
    write_json(run.directory / RUN, {**run_record(run), **(made.record or {})})
    path = None if submission is None else run.directory / "submission.csv"
    if submission is not None and path is not None:
        write_checked(prepared, submission, path)
    result = RunResult(
        run=run,
        status=Status.DONE,
        scores=scores,
        folds=(),
        oof=made.oof,
        valid=made.valid,
        test=made.test,
        test_decisions=made.test_decisions,
        notes=made.notes,
        marks=made.marks,
        seconds=made.seconds,
        submission=path,
    )
    if figures:
        result = replace(result, notes=(*result.notes, *write_figures(prepared, result)))
    extra = {"baseline": False, "tasks": [], "adjusters": [], **(made.extra or {})}
    write_run_result(prepared, run, result, fold_scores, extra)
    return result


def mean_of(values: Sequence[Floats], decided: Sequence[Floats | None], task: TaskType) -> tuple[Floats, Floats | None]:
    """Average the predictions of seeds; decide by their majority, equal votes by the mean probability.

    Parameters
    ----------
    values, decided : sequences of (n, k) float64
        Of each seed; decisions are None for a regression.
    """
    import numpy as np

    mean: Floats = np.mean(values, axis=0)
    votes = [member for member in decided if member is not None]
    if not votes:
        return mean, None
    share: Floats = np.mean(votes, axis=0)
    if task is TaskType.MULTILABEL:
        return mean, (share >= 0.5).astype(np.float64)
    decisions: Floats = np.eye(share.shape[1])[(share + 1e-6 * mean).argmax(axis=1)]
    return mean, decisions


def stacked(members: Sequence[Predictions]) -> Floats:
    """Return members' values as (m, n, k); only the point of a regression where not all have an interval."""
    import numpy as np

    widths = {len(member.columns) for member in members}
    width = widths.pop() if len(widths) == 1 else 1
    return np.stack([member.values[:, :width] for member in members])
