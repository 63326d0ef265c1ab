"""What a command has to do and what is known of each task, and the events that tell it."""

from __future__ import annotations

import statistics
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.competition import Budget
from harness.durations import format_duration
from harness.errors import HarnessError, TaskTimeoutError, WorkerDiedError
from harness.facts import PROVENANCE, Provenance, write_provenance
from harness.files import write_json
from harness.ordering import leaders_first
from harness.planning import Plan, differences, run_record
from harness.prepare import Prepared
from harness.results import FoldResult
from harness.store import RESULT, RUN, DamagedTaskError, Workspace, finished_task
from harness.stored_task import read_result
from harness.task import REFIT, Listener, Task


@dataclass
class _Progress:
    """How far a plan is, kept up to date: counting anew at each of ten thousand tasks would take longer than they do.

    Attributes
    ----------
    left : int
        Tasks without a result.
    spent : float
        Seconds that the others took.
    failure : BaseException or None
        What ended a task of it first.
    """

    left: int
    spent: float = 0.0
    failure: BaseException | None = None


class Bookkeeper:
    """What a command has to do, which plans share a task, and how it ended.

    Attributes
    ----------
    open : dict of str to Plan
        Plans that have not ended, by run id.
    budget : Budget
        How long a plan's tasks may take.
    provenance : Provenance or None
        Kept with each run that begins.
    """

    def __init__(self, prepared: Prepared, workspace: Workspace) -> None:
        self.prepared, self.workspace = prepared, workspace
        self.results: dict[Path, FoldResult] = {}
        self.progress: dict[str, _Progress] = {}
        self.started: set[str] = set()
        self.plans: dict[Path, list[Plan]] = {}
        self.live: set[Path] = set()
        self.open: dict[str, Plan] = {}
        self.touched: dict[str, Plan] = {}
        self.broken: dict[str, HarnessError] = {}
        self.waiting: deque[Task] = deque()
        self.refitted: set[Path] = set()
        self.retried: set[Path] = set()
        self.budget = Budget()
        self.provenance: Provenance | None = None

    def queue(self, plans: Sequence[Plan], several: bool) -> None:
        """Take plans whose tasks are to be run, once each.

        Parameters
        ----------
        several : bool
            Whether several tasks run at once, so that their order matters.
        """
        tasks: dict[Path, Task] = {}
        for plan in plans:
            self.open[plan.run.run_id] = plan
            self.progress[plan.run.run_id] = _Progress(len(plan.all_tasks))
            for task in plan.all_tasks:
                self.plans.setdefault(task.directory, []).append(plan)
            # a refit that waits for its folds is queued when they are there
            for task in plan.tasks if plan.refit_waits else plan.all_tasks:
                tasks.setdefault(task.directory, task)
        self.waiting.extend(leaders_first(list(tasks.values()), self.prepared) if several else tasks.values())

    def next_task(self) -> Task | None:
        """Return the next task that is not stored yet, None while there is none; its first run is started."""
        while self.waiting:
            task = self.waiting.popleft()
            plan = self.plans[task.directory][0]
            if self._doomed(task):
                continue
            self.start(plan)
            if self._stored(task, plan):
                continue
            limit = self.limit(task)
            if limit is not None and limit <= 0:
                self.take(task, TaskTimeoutError("before it"))
                continue
            if task.fold != REFIT:
                self._tell("harness_fold_started", plan, fold=task.fold)
            return task
        return None

    def limit(self, task: Task) -> float | None:
        """Return how many seconds a task may take: what is left to the plan that has most, and no more than its own."""
        left = [] if self.budget.task is None else [self.budget.task]
        if self.budget.strategy is not None:
            left.append(self.budget.strategy - min(self._of(plan).spent for plan in self.plans[task.directory]))
        return min(left, default=None)

    def _of(self, plan: Plan) -> _Progress:
        return self.progress[plan.run.run_id]

    def _doomed(self, task: Task) -> bool:
        """Whether every run that shares a task has already failed in another fold."""
        return all(self._failed(plan) for plan in self.plans[task.directory])

    def _failed(self, plan: Plan) -> bool:
        return self.failure(plan) is not None

    def failure(self, plan: Plan) -> BaseException | None:
        """Return what ended a plan before its time: a task that failed, or a plugin that cannot bear an event."""
        return self._of(plan).failure or self.broken.get(plan.run.run_id)

    def _stored(self, task: Task, plan: Plan) -> bool:
        try:
            if not finished_task(task.directory):
                return False
        except DamagedTaskError as error:
            self._tell("harness_warned", plan, message=f"{plan.run.label}: {error}")
            return False
        self.take(task, read_result(task.directory, resumed=True))
        return True

    def start(self, plan: Plan) -> None:
        """Record a run and tell that it begins, once."""
        if plan.run.run_id in self.started:
            return
        self.started.add(plan.run.run_id)
        for line in differences(plan, self.workspace)[:4]:
            self._tell("harness_warned", plan, message=f"{plan.run.label}: a new run, {line}")
        write_json(plan.run.directory / RUN, run_record(plan.run, plan.strategy))
        self._keep_provenance(plan)
        self._tell("harness_run_started", plan)

    def _keep_provenance(self, plan: Plan) -> None:
        """Store what a run is rebuilt from; that of an earlier command stays where any of its results does."""
        directory = plan.run.directory
        resumed = any(task.directory.exists() for task in plan.all_tasks) and (directory / PROVENANCE).exists()
        if self.provenance is not None and not resumed and not (directory / RESULT).exists():
            write_provenance(directory, self.provenance)

    def listen(self, task: Task) -> Listener:
        """Return what passes a task's epochs on to the first run that wants it."""
        self.live.add(task.directory)

        def listener(fold: int, step: int, metrics: Mapping[str, float]) -> None:
            for plan in self.plans[task.directory][: fold != REFIT]:
                self._tell("harness_epoch_logged", plan, fold=fold, step=step, metrics=metrics)

        return listener

    def take(self, task: Task, answer: FoldResult | BaseException) -> None:
        """Note how a task ended, and tell every run that shares it; epochs of another process are told now."""
        plans = self.plans[task.directory]
        if isinstance(answer, WorkerDiedError) and task.directory not in self.retried:
            self.retried.add(task.directory)
            self.waiting.appendleft(task)
            name = "the refit" if task.fold == REFIT else f"fold {task.fold}"
            message = f"{plans[0].run.label}: {name} is tried once more: {answer}"
            self._tell("harness_warned", plans[0], message=message)
            return
        self.touched |= {plan.run.run_id: plan for plan in plans}
        if isinstance(answer, TaskTimeoutError):
            answer = TaskTimeoutError(self._late(task, answer))
        if isinstance(answer, BaseException):
            for plan in plans:
                self._of(plan).failure = self._of(plan).failure or answer
            return
        answer = self.results[task.directory] = _thrifty(answer, task.directory)
        for plan in plans:
            self._of(plan).left -= 1
            self._of(plan).spent += answer.seconds
        if task.fold != REFIT:
            self._tell_scored(task, answer)
        for plan in plans:
            self._queue_refit(plan)

    def _late(self, task: Task, error: TaskTimeoutError) -> str:
        """Tell that time was up, and how far it came."""
        plan = self.plans[task.directory][0]
        done = len(plan.all_tasks) - self._of(plan).left
        whole, own = self.budget.strategy, self.budget.task
        given = {"strategy": whole, "task": own}
        allowed = " or ".join(f"{format_duration(limit)} for a {name}" for name, limit in given.items() if limit)
        return f"timeout: the budget of {allowed} was up ({error}; {done} of {len(plan.all_tasks)} tasks done and kept)"

    def _tell_scored(self, task: Task, answer: FoldResult) -> None:
        if not answer.resumed and task.directory not in self.live:
            tell = self.listen(task)
            for epoch in answer.epochs:
                tell(answer.index, int(epoch["step"]), {key: epoch[key] for key in epoch if key != "step"})
        for position, plan in enumerate(self.plans[task.directory]):
            self.start(plan)
            self._tell("harness_fold_scored", plan, fold=answer if not position else replace(answer, resumed=True))

    def _queue_refit(self, plan: Plan) -> None:
        """Queue a refit that waited for its folds: the number of iterations is the median of what was best in them."""
        if plan.refit is None or not plan.refit_waits or plan.refit.directory in self.refitted:
            return
        if self._of(plan).left > 1:
            return
        folds = [self.results[task.directory] for task in plan.tasks]
        best = [fold.best_iteration for fold in folds if fold.best_iteration is not None]
        self.refitted.add(plan.refit.directory)
        iterations = max(1, int(statistics.median(best))) if best else None
        self.waiting.appendleft(replace(plan.refit, iterations=iterations))

    def complete(self) -> Iterator[Plan]:
        """Yield each open plan of which nothing is still to come: all of it is there, or a part failed."""
        while self.touched:
            plan = self.touched.pop(next(iter(self.touched)))
            ended = self._failed(plan) or not self._of(plan).left
            if ended and self.open.get(plan.run.run_id) is plan:
                yield plan

    def close(self, plan: Plan) -> None:
        """Take a plan off those that are open, and forget what no other open plan needs."""
        del self.open[plan.run.run_id]
        for task in plan.all_tasks:
            if not any(other.run.run_id in self.open for other in self.plans[task.directory]):
                self.results.pop(task.directory, None)

    def _tell(self, event: str, plan: Plan, **facts: Any) -> None:
        given = {"run": plan.run, **facts}
        problem = self.prepared.plugins.tell(event, **given)
        if problem is not None:
            self.broken.setdefault(plan.run.run_id, problem)
            self.touched[plan.run.run_id] = plan


def _thrifty(answer: FoldResult, directory: Path) -> FoldResult:
    """Return a fold that holds once what is equal: thousands are held at once, each read from bytes of its own."""
    return replace(
        answer,
        directory=directory,
        scores=_held(tuple(answer.scores.items())),
        counts_before=_held(tuple(answer.counts_before.items())),
        counts_after=_held(tuple(answer.counts_after.items())),
        device=sys.intern(answer.device),
    )


@lru_cache(maxsize=16)
def _held(numbers: tuple[tuple[str, float], ...]) -> Mapping[str, float]:
    """Return numbers by name; the last ones are remembered, so that folds with the same share them."""
    return {sys.intern(name): value for name, value in numbers}
