"""One trial of a study: its folds, one after the other, until they are all there or it is plainly worse."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.competition import Budget
from harness.errors import StoreError, TaskTimeoutError, WorkerDiedError
from harness.files import write_json
from harness.nested import Known
from harness.offers import Executor, Pool, PoolRequest
from harness.planning import Plan, run_record
from harness.prepare import Prepared, oof_rows
from harness.results import RunResult
from harness.run import Options, run_plans
from harness.scoring import evaluation_weights
from harness.store import RUN, DamagedTaskError, finished_task, locked
from harness.stored_task import read_result, read_values
from harness.task import Task, execute

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

ALPHA = 0.1
"""A trial is given up where a paired t-test over its folds says that it is worse than the best, at this level."""
FEWEST = 2
"""Folds before a trial can be given up."""
KNOWN = 5
"""Finished trials before one is given up for being worse than their median."""


class OutOfTimeError(Exception):
    """The budget ended in the middle of a trial."""


@dataclass(frozen=True)
class Tried:
    """What became of a trial.

    Attributes
    ----------
    folds : tuple of float
        Raw scores of its folds, reweighted as the board is; fewer than all if it was given up.
    result : RunResult or None
        None if it was given up.
    """

    folds: tuple[float, ...]
    result: RunResult | None


def open_pool(prepared: Prepared, options: Options, limited: bool) -> AbstractContextManager[Pool]:
    """Open the pool that trains the folds of all trials.

    Parameters
    ----------
    limited : bool
        Whether tasks have limits, which only another process can keep in compiled code.
    """
    name = options.executor or ("process" if limited or options.workers > 1 else "sequential")
    executor = prepared.plugins.find(Executor, name, "--executor")
    request = PoolRequest(options.workers, options.hardware.threads, options.hardware.device, options.address)
    return executor.open(execute, request)


def worse(own: Sequence[float], best: Sequence[float], direction: str) -> bool:
    """Whether a trial's folds are worse than the same folds of the best one, by more than chance explains.

    Examples
    --------
    >>> worse([0.52, 0.61], [0.50, 0.59], "min"), worse([0.52, 0.58], [0.50, 0.59], "min")
    (True, False)
    """
    import numpy as np
    from scipy.stats import ttest_1samp

    if len(own) < FEWEST or len(best) < len(own):
        return False
    deficit = np.array(own) - np.array(best[: len(own)])
    deficit = deficit if direction == "min" else -deficit
    if np.ptp(deficit) < 1e-12 * max(1.0, float(np.abs(deficit).max())):  # all the same: chance has no part in it
        return bool(deficit[0] > 0)
    return bool(ttest_1samp(deficit, 0.0, alternative="greater").pvalue < ALPHA)


def below_median(own: Sequence[float], others: Sequence[Sequence[float]], direction: str) -> bool:
    """Whether the mean of a trial's folds is worse than the median of what others had on the same folds.

    Parameters
    ----------
    others : sequence of sequence of float
        Scores by fold of finished trials.

    References
    ----------
    Golovin et al. 2017, Google Vizier: the median stopping rule.

    Examples
    --------
    >>> others = [[0.5, 0.5]] * 3 + [[0.6, 0.6]] * 2
    >>> below_median([0.5, 0.52], others, "min"), below_median([0.5, 0.49], others, "min")
    (True, False)
    """
    from statistics import fmean, median

    if len(own) < FEWEST or len(others) < KNOWN:
        return False
    known, mean = median(fmean(one[: len(own)]) for one in others), fmean(own)
    return mean > known if direction == "min" else mean < known


def attempt(
    plan: Plan,
    prepared: Prepared,
    options: Options,
    pool: Pool,
    deadline: float,
    given_up: Callable[[Sequence[float]], bool],
) -> Tried:
    """Train a trial's folds; finish it as a run unless it is given up.

    Parameters
    ----------
    deadline : float
        Of the monotonic clock.
    given_up : callable
        Asked with the scores of the folds so far.

    Raises
    ------
    OutOfTimeError
        If the deadline passes; finished folds are kept.
    Exception
        Whatever a fold's task or the end of the run raises.
    """
    scores: list[float] = []
    with locked(plan.run.directory):
        left = list(plan.tasks)
        while left:
            batch, left = left[: options.workers], left[options.workers :]
            _train(batch, pool, deadline)
            scores += [fold_score(task, prepared) for task in batch]
            if left and given_up(scores):
                _tell_given_up(plan, prepared, len(scores))
                return Tried(tuple(scores), None)
        stored = replace(options, workers=1, executor="sequential", budget=Budget())
        (outcome,) = run_plans([plan], prepared, stored)
    if outcome.result is None:
        raise StoreError(outcome.failure)
    return Tried(tuple(scores), outcome.result)


def _train(tasks: Sequence[Task], pool: Pool, deadline: float) -> None:
    """Run the tasks that are not stored yet; one whose process died once more."""
    waiting, running, again = [task for task in tasks if not _stored(task)], 0, set()
    failure: BaseException | None = None
    while waiting or running:
        while waiting and failure is None and running < pool.room:
            limit = deadline - time.monotonic()
            if limit <= 0:
                failure = OutOfTimeError()
                break
            pool.submit(waiting.pop(0), None if limit == float("inf") else limit)
            running += 1
        if not running:
            break
        task, answer = pool.wait()
        running -= 1
        if isinstance(answer, WorkerDiedError) and task.directory not in again:
            again.add(task.directory)
            waiting.append(task)
        elif isinstance(answer, TaskTimeoutError):
            failure = OutOfTimeError()
        elif isinstance(answer, BaseException):
            failure = failure or answer
    if failure is not None:
        raise failure


def _stored(task: Task) -> bool:
    try:
        return finished_task(task.directory)
    except DamagedTaskError:  # it was moved out of the way and is trained again
        return False


def fold_score(task: Task, prepared: Prepared) -> float:
    """Score a stored fold's raw predictions by the primary metric, reweighted as the board is."""
    train, fold = prepared.dataset.train, prepared.folds[task.fold]
    values = read_values(task.directory, "oof")
    assert train.targets is not None
    if values is None:
        raise StoreError(f"{task.directory} has no out-of-fold predictions; remove that folder and run again")
    rows, folds = oof_rows(prepared)
    weights = evaluation_weights(train.targets[rows], prepared.dataset.info.classes, prepared.target_prior)
    own = None if weights is None else weights[folds == fold.index]
    # `rows` are in ascending order, a fold's own need not be
    order = fold.valid.argsort(kind="stable")
    meta = None if train.meta is None else train.meta.iloc[fold.valid[order]].reset_index(drop=True)
    about = prepared.competition.task, prepared.primary
    found = Known(*about, values[None], train.targets[fold.valid[order]], own, folds[folds == fold.index], meta)
    return found.score(values[order])


def _tell_given_up(plan: Plan, prepared: Prepared, count: int) -> None:
    """Keep who the trial was, and tell its folds and its end."""
    write_json(plan.run.directory / RUN, run_record(plan.run, plan.strategy))
    prepared.plugins.tell("harness_run_started", run=plan.run)
    for task in plan.tasks[:count]:
        prepared.plugins.tell("harness_fold_scored", run=plan.run, fold=read_result(task.directory, resumed=True))
    message = f"pruned after {count} of {len(plan.tasks)} folds, which are worse than those of others"
    prepared.plugins.tell("harness_run_failed", run=plan.run, message=message)
