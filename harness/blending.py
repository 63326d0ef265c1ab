"""Blends: runs put together, with weights learned from OOF; nested, so that a blend's own score is not flattered.

The OOF rows of a fold are blended with weights that are learned on the other folds' rows, and that is what is scored;
the validation and test sets with weights learned on all OOF rows. Members need not have been trained by this command.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.adjusting import default_decisions
from harness.competition import Blend
from harness.data import Predictions, TaskType
from harness.derived import Derived, stacked, store_derived
from harness.errors import HarnessError
from harness.files import read_json, slug
from harness.nested import Known, Learned, learns, nested
from harness.plugins import describe_error
from harness.prepare import Prepared
from harness.records import read_run_result
from harness.results import Run, RunResult, Scored
from harness.scoring import oof_meta
from harness.store import RESULT, RUN, Workspace, digest_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


BEST_OF = re.compile(r"best of \d+ trials")
"""The mark of what tuning chose."""


@dataclass(frozen=True, eq=False)
class Member:
    """A run that goes into a blend.

    Attributes
    ----------
    name : str
        What the blend calls it.
    result : RunResult or None
        None if it failed.
    mistake : bool
        Whether that is the user's to mend.
    """

    name: str
    run: Run
    result: RunResult | None
    mistake: bool = False


@dataclass(frozen=True, eq=False)
class Blended:
    """What became of a blend; as `harness.run.Outcome`."""

    run: Run
    result: RunResult | None
    failure: str = ""
    mistake: bool = False


def blend(
    prepared: Prepared, spec: Blend, members: Sequence[Member], workspace: Workspace, details: Sequence[str] = ()
) -> Blended:
    """Blend runs, score the result and store it as a run; one that is stored already is only read.

    Parameters
    ----------
    members : sequence of Member
        In the order of ``spec.of``; of the same data and folds.
    details : sequence of str
        What its label says beside its name: parameters of members that were set on the command line, say.
    """
    run = blend_run(spec, members, workspace, details)
    problem = _problem(members)
    if problem:
        prepared.plugins.tell("harness_warned", run=run, message=f"{run.label} is not blended: {problem}")
        return Blended(run, None, problem, all(member.mistake for member in members if member.result is None))
    results = [member.result for member in members if member.result is not None]
    stored = (run.directory / RESULT).exists()
    if stored:
        run, made = replace(run, facts=read_json(run.directory / RUN)["facts"]), None
    else:
        learned = learn(prepared, spec.method, [result.oof for result in results])
        made = _derived(prepared, spec, members, results, learned)
        run = replace(run, facts={**run.facts, "weights": _named(spec, learned.weights)})
    prepared.plugins.tell("harness_run_started", run=run)
    try:
        result = read_run_result(run, prepared.dataset.info, ()) if made is None else store_derived(prepared, run, made)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a plugin raises fails this run only
        message = describe_error(error)
        prepared.plugins.tell("harness_run_failed", run=run, message=message)
        return Blended(run, None, message, isinstance(error, HarnessError))
    prepared.plugins.tell("harness_run_finished", run=run, result=result)
    return Blended(run, result)


def blend_run(spec: Blend, members: Sequence[Member], workspace: Workspace, details: Sequence[str] = ()) -> Run:
    """Return who a blend is: its members' runs and its method; its seed is theirs, if they have the same."""
    first = members[0].run
    seeds = {member.run.seed for member in members}
    seed = first.seed if len(seeds) == 1 else None
    identity = {"blend": spec.method, "of": list(spec.of), "members": [member.run.run_id for member in members]}
    run_id = f"{slug(spec.name)}-{'mean' if seed is None else f's{seed}'}-{digest_of(identity)[:8]}"
    return replace(
        first,
        strategy=spec.name,
        seed=seed,
        run_id=run_id,
        directory=workspace.runs(first.competition) / run_id,
        identity=identity,
        label=f"{spec.name} ({', '.join(details)})" if details else spec.name,
    )


def learn(prepared: Prepared, method: str, members: Sequence[Scored]) -> Learned:
    """Learn a blend's weights on all OOF rows, and for each fold on those of the others.

    Parameters
    ----------
    members : sequence of Scored
        OOF of each member; the same rows in the same order.
    """
    return nested(_known(prepared, members), method)


def _known(prepared: Prepared, members: Sequence[Scored]) -> Known:
    first = members[0]
    values = stacked([member.predictions for member in members])
    about = prepared.competition.task, prepared.primary
    return Known(*about, values, first.targets, first.weights, first.folds, oof_meta(prepared))


def _problem(members: Sequence[Member]) -> str:
    """Return why members cannot be blended, in one line; empty if they can."""
    import numpy as np

    failed = [member.name for member in members if member.result is None]
    if failed:
        return f"its member{'s' if len(failed) > 1 else ''} {', '.join(failed)} failed"
    first, *others = [(member.name, member.result.oof) for member in members if member.result is not None]
    for name, oof in others:
        same_rows = np.array_equal(oof.predictions.ids, first[1].predictions.ids)
        if not same_rows or not np.array_equal(oof.folds, first[1].folds):
            return f"{name} and {first[0]} do not have the same out-of-fold rows in the same folds"
    return ""


def _derived(
    prepared: Prepared, spec: Blend, members: Sequence[Member], results: Sequence[RunResult], learned: Learned
) -> Derived:
    from harness.builtin.blends import apply

    task, first = prepared.competition.task, results[0]
    known = stacked([result.oof.predictions for result in results])
    columns = prepared.dataset.info.named(known.shape[2])

    def blended(parts: Sequence[Predictions | None]) -> Predictions | None:
        found = [part for part in parts if part is not None]
        if len(found) < len(parts):
            return None
        return Predictions(found[0].ids, apply(learned.method, learned.weights, stacked(found), task, known), columns)

    valid = blended([None if result.valid is None else result.valid.predictions for result in results])
    test = blended([result.test for result in results])
    decisions = None if test is None else default_decisions(test.values, task)
    naive = _known(prepared, [result.oof for result in results]).score(learned.naive)
    about = {
        "method": learned.method,
        "asked": spec.method,
        "of": list(spec.of),
        "members": [member.run.run_id for member in members],
        "weights": _named(spec, learned.weights),
        "fold_weights": {str(fold): _named(spec, weights) for fold, weights in learned.of_fold.items()},
        "fold_methods": {str(fold): method for fold, method in learned.methods.items()},
        "naive": {prepared.primary.name: naive},
    }
    notes = [note_of(spec, learned)]
    if learns(spec.method):
        notes.append(f"scored on the rows it was learned on it would show {prepared.primary.name} {naive:.4f}")
    return Derived(
        oof=_scored(first.oof, Predictions(first.oof.predictions.ids, learned.oof, columns), task),
        valid=None if valid is None or first.valid is None else _scored(first.valid, valid, task),
        test=test,
        test_decisions=None if test is None or decisions is None else Predictions(test.ids, decisions, columns),
        notes=tuple(notes),
        marks=tuple(dict.fromkeys(of_blend(mark) for result in results for mark in result.marks)),
        seconds=sum(result.seconds for result in results),
        record={"blend": about},
        extra={"blend": about, "members": about["members"]},
    )


def of_blend(mark: str) -> str:
    """Say of a blend what a mark says of one of its members, where that is not true of the blend itself.

    Examples
    --------
    >>> of_blend("imported"), of_blend("best of 4 trials"), of_blend("simulated")
    ('has an imported member', 'has a tuned member', 'simulated')
    """
    if mark == "imported":
        return "has an imported member"
    return "has a tuned member" if BEST_OF.fullmatch(mark) else mark


def _scored(like: Scored, predictions: Predictions, task: TaskType) -> Scored:
    return replace(like, predictions=predictions, decisions=default_decisions(predictions.values, task))


def _named(spec: Blend, weights: Floats) -> dict[str, float]:
    return dict(zip(spec.of, map(float, weights), strict=True))


def note_of(spec: Blend, learned: Learned) -> str:
    """Return what a reader of the score must know: the members and their weights, with the range over folds."""
    told = [] if learned.method == spec.method else [_chosen(learned)]
    if not learns(learned.method):
        return "; ".join([*told, f"{learned.method.replace('_', ' ')} of {', '.join(spec.of)}"])
    weights = []
    for position, name in enumerate(spec.of):
        over = [found[position] for found in learned.of_fold.values()]
        weights.append(f"{name} {learned.weights[position]:.2f} ({min(over):.2f} to {max(over):.2f} over folds)")
    total = f", sum {learned.weights.sum():.2f}" if learned.method == "log_linear" else ""
    return "; ".join([*told, f"weights: {', '.join(weights)}{total}"])


def _chosen(learned: Learned) -> str:
    counts = Counter(learned.methods.values()).most_common()
    folds = ", ".join(f"{method} {count} times" if count > 1 else f"{method} once" for method, count in counts)
    return f"method {learned.method} (chosen for each fold on the others: {folds})"
