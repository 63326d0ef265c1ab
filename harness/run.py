"""The whole flow, top to bottom.

competition -> data -> folds -> stages -> per fold: features, rebalance, fit, predict -> OOF -> cross-fitted adjusters
-> scores -> test predictions -> submission -> checked -> written. Read `run_all` first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.adjusting import Adjusted, adjust
from harness.bookkeeping import Bookkeeper
from harness.builtin.baselines import baselines_for
from harness.collecting import collect
from harness.competition import Budget, Strategy
from harness.data import Examples, Predictions
from harness.errors import HarnessError, StoreError, TaskTimeoutError, traceback_of
from harness.facts import Provenance
from harness.files import read_json, write_json
from harness.offers import Executor, Pool, PoolRequest
from harness.parts import corpora_seen, parts_of, parts_seen, warning_of, weights_seen
from harness.planning import Hardware, Plan, plan_run
from harness.plugins import describe_error
from harness.prepare import Prepared
from harness.records import read_run_result, run_extra, write_figures, write_run_result
from harness.results import FoldResult, RunResult, Status
from harness.scoring import score, scored_oof, scored_valid
from harness.store import FAILED, RESULT, Workspace, locked
from harness.submitting import make_submission, write_checked
from harness.task import Task, execute

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


BASELINE_WAIT = 60.0
"""Seconds to wait for another command that runs the same baseline."""


@dataclass(frozen=True)
class Options:
    """How a command runs, beside what it runs.

    Attributes
    ----------
    address : str
        Of a cluster, for an executor that uses one.
    executor : str
        Name of an executor; empty for ``process`` with several workers, ``sequential`` with one.
    provenance : Provenance or None
        Kept with each run that begins, for `harness reproduce`.
    """

    workspace: Workspace
    hardware: Hardware
    workers: int = 1
    executor: str = ""
    address: str = ""
    retry_failed: bool = False
    budget: Budget = field(default_factory=Budget)
    facts: Mapping[str, Any] | None = None
    provenance: Provenance | None = None
    planned: Callable[[Sequence[Plan]], None] | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one planned run.

    Attributes
    ----------
    result : RunResult or None
        None if it failed; `failure` then says why.
    mistake : bool
        Whether the failure is the user's to mend, not a fault of a program.
    status : Status
        `Status.TIMEOUT` where its time was up.
    """

    plan: Plan
    result: RunResult | None
    failure: str = ""
    mistake: bool = False
    status: Status = Status.DONE


def run_all(
    prepared: Prepared, strategies: Sequence[Strategy], seeds: Sequence[int], options: Options
) -> Iterator[Outcome]:
    """Run strategies on seeds, and the baselines of the competition; yield each as it ends.

    Tasks already in the store are not trained again. A strategy that fails does not stop the others.

    Raises
    ------
    HarnessError
        Before anything is trained, if a strategy or its parameters cannot be used.
    """
    facts = options.facts or {}
    baselines = baselines_for(prepared.competition, prepared.target_prior)
    wanted = [(strategy, seeds[0]) for strategy in baselines] + [(s, seed) for s in strategies for seed in seeds]
    plans = [
        plan_run(prepared, strategy, seed, options.hardware, options.workspace, facts) for strategy, seed in wanted
    ]
    options.workspace.check_writable()
    options.workspace.sweep(prepared.competition.id)
    if options.planned is not None:
        options.planned(plans)
    first, others = plans[: len(baselines)], plans[len(baselines) :]
    _warn(others, prepared)
    with ExitStack() as locks:
        for plan in others:
            locks.enter_context(locked(plan.run.directory))
        # every command runs the baselines, so they are held briefly, and waited for
        for plan in first:
            with locked(plan.run.directory, wait=BASELINE_WAIT):
                yield from run_plans(
                    [plan], prepared, replace(options, workers=1, executor="", address="", budget=Budget())
                )
        yield from run_plans(others, prepared, options)


def _warn(plans: Sequence[Plan], prepared: Prepared) -> None:
    """Tell what a person should know before each strategy trains, once for all its seeds."""
    trained = [plan for plan in plans if not all(task.directory.exists() for task in plan.all_tasks)]
    for plan in {plan.run.label: plan for plan in reversed(trained)}.values():
        if told := warning_of(plan.strategy, prepared):
            prepared.plugins.tell("harness_warned", run=plan.run, message=f"{plan.run.label}: {told}")


def run_plans(plans: Sequence[Plan], prepared: Prepared, options: Options) -> Iterator[Outcome]:
    """Run plans whose folders are held; yield each as it ends."""
    book = Bookkeeper(prepared, options.workspace)
    failures = {plan.run.run_id: _known_failure(plan, options) for plan in plans}
    for plan in plans:
        if failures[plan.run.run_id]:
            yield Outcome(plan, None, failures[plan.run.run_id], True, Status.FAILED)
    for plan in plans:
        if failures[plan.run.run_id]:
            message = f"{plan.run.label}: {failures[plan.run.run_id]}"
            prepared.plugins.tell("harness_warned", run=plan.run, message=message)
    ready = [plan for plan in plans if not failures[plan.run.run_id]]
    book.budget, book.provenance = options.budget, options.provenance
    # compiled code that hangs can be stopped in another process only
    apart = options.workers > 1 or options.budget != Budget()
    name = options.executor or ("process" if apart else "sequential")
    executor = prepared.plugins.find(Executor, name, "--executor")
    request = PoolRequest(options.workers, options.hardware.threads, options.hardware.device, options.address)

    def listener(task: Task) -> FoldResult:
        return execute(task, book.listen(task))

    book.queue(ready, several=options.workers > 1)
    try:
        with executor.open(listener if executor.live else execute, request) as pool:
            for plan in _ended(book, pool):
                yield _end(plan, prepared, options, book)
                book.close(plan)
    except KeyboardInterrupt:
        for plan in book.open.values():
            if plan.run.run_id in book.started:
                record = {"message": "interrupted", "mistake": True, "status": Status.INTERRUPTED.value}
                _tell_failure(plan, record, prepared)
        raise


def _ended(book: Bookkeeper, pool: Pool) -> Iterator[Plan]:
    """Keep a pool busy with what a command has to do; yield each plan once nothing of it is to come."""
    running = 0
    while True:
        while running < pool.room and (task := book.next_task()) is not None:
            pool.submit(task, book.limit(task))
            running += 1
        yield from book.complete()
        if not running:
            return
        book.take(*pool.wait())
        running -= 1


def _known_failure(plan: Plan, options: Options) -> str:
    path = plan.run.directory / FAILED
    if not path.exists():
        return ""
    known = read_json(path)
    again = options.retry_failed or known.get("status") == Status.INTERRUPTED
    if again or (known.get("status") == Status.TIMEOUT and _longer(options.budget, known["budget"])):
        path.unlink()
        return ""
    late = known.get("status") == Status.TIMEOUT
    if late:
        return f"{known['message']}, when it last ran; a longer --budget goes on"
    return f"{known['message']} (failed before; --retry-failed tries again)"


def _longer(budget: Budget, before: Mapping[str, float | None]) -> bool:
    """Whether a budget gives more time than one that was not enough."""
    return any((now or math.inf) > (before[name] or math.inf) for name, now in asdict(budget).items())


def _end(plan: Plan, prepared: Prepared, options: Options, book: Bookkeeper) -> Outcome:
    """Finish a run, or record why it failed."""
    try:
        if (failure := book.failure(plan)) is not None:
            raise failure
        result = _finish(plan, prepared, options, [book.results[task.directory] for task in plan.tasks])
        if (problem := prepared.plugins.tell("harness_run_finished", run=plan.run, result=result)) is not None:
            raise problem
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a plugin raises fails its own run only
        message, mistake = describe_error(error), isinstance(error, HarnessError)
        status = Status.TIMEOUT if isinstance(error, TaskTimeoutError) else Status.FAILED
        record = {"message": message, "mistake": mistake, "status": status.value, "budget": asdict(options.budget)}
        _tell_failure(plan, {**record, "traceback": "" if mistake else traceback_of(error)}, prepared)
        return Outcome(plan, None, message, mistake, status)
    (plan.run.directory / FAILED).unlink(missing_ok=True)
    return Outcome(plan, result)


def _tell_failure(plan: Plan, record: Mapping[str, Any], prepared: Prepared) -> None:
    """Write down why a run has no result, and tell it; the next command trains again what cannot be written down."""
    try:
        write_json(plan.run.directory / FAILED, record)
    except StoreError as unwritten:  # a full disk fails this run, not the others
        prepared.plugins.tell("harness_warned", run=plan.run, message=f"{plan.run.label}: {unwritten}")
    prepared.plugins.tell("harness_run_failed", run=plan.run, message=record["message"])


def _finish(plan: Plan, prepared: Prepared, options: Options, folds: Sequence[FoldResult]) -> RunResult:
    """Turn the folds of a run into scores, figures and a checked submission."""
    if _finished(plan):
        return read_run_result(plan.run, prepared.dataset.info, folds)
    started = time.perf_counter()
    raw, ids = collect(plan, prepared, folds)
    adjusted = adjust(plan.links, prepared, raw, plan.seed)
    oof = scored_oof(raw, adjusted, ids)
    valid = scored_valid(
        prepared.dataset, _named(prepared.dataset.valid, adjusted.valid, adjusted), adjusted.valid_decisions
    )
    scores, fold_scores = score(prepared, oof, raw.meta, valid)
    test = _named(prepared.dataset.test, adjusted.test, adjusted)
    decisions = _named(prepared.dataset.test, adjusted.test_decisions, adjusted)
    submission = make_submission(prepared, test, decisions)
    path = None if submission is None else plan.run.directory / "submission.csv"
    if submission is not None and path is not None:
        write_checked(prepared, submission, path)
    result = RunResult(
        run=plan.run,
        status=Status.DONE,
        scores=scores,
        folds=tuple(folds),
        oof=oof,
        valid=valid,
        test=test,
        test_decisions=decisions,
        notes=(*adjusted.notes, *dict.fromkeys(note for fold in folds for note in fold.notes)),
        marks=marks_of(plan, prepared),
        seconds=sum(fold.seconds for fold in folds) + time.perf_counter() - started,
        submission=path,
    )
    notes = write_figures(prepared, result, plan.strategy.baseline or plan.run.trial is not None)
    result = replace(result, notes=(*result.notes, *notes))
    write_run_result(prepared, plan.run, result, fold_scores, run_extra(plan, adjusted, options.workspace))
    return result


def _finished(plan: Plan) -> bool:
    """Whether a run is stored; what a trial stored lacks figures and a place on the board, so a run is made of it."""
    path = plan.run.directory / RESULT
    return path.exists() and (plan.run.trial is not None or read_json(path).get("trial") is None)


def _named(examples: Examples | None, values: NDArray[np.float64] | None, adjusted: Adjusted) -> Predictions | None:
    if examples is None or values is None:
        return None
    return Predictions(examples.ids, values, adjusted.columns)


def marks_of(plan: Plan, prepared: Prepared) -> tuple[str, ...]:
    """Return what must be shown beside a score."""
    parts, info = parts_of(plan.strategy, prepared), prepared.dataset.info
    seen, corpora = parts_seen(parts, info), corpora_seen(parts, info)
    marks = {
        "fast": plan.run.fast,
        "simulated": prepared.dataset.info.simulated,
        "sees test inputs": "test" in seen or any(link.offer.sees_test for link in plan.links),
        "sees validation inputs": "valid" in seen,
        "pretrained weights": bool(weights_seen(parts)),
        f"reads {', '.join(corpora)}": bool(corpora),
    }
    return (*(mark for mark, holds in marks.items() if holds), *prepared.marks)
