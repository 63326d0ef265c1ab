"""What is known of each task while a command runs, and the events that tell it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.files import write_json
from harness.planning import Plan, differences, run_record
from harness.prepare import Prepared
from harness.results import FoldResult
from harness.store import RUN, DamagedTaskError, Workspace, finished_task
from harness.stored_task import read_result
from harness.task import Listener, Task


class Bookkeeper:
    """What is known of each task while a command runs: which plans share it, and how it ended."""

    def __init__(self, prepared: Prepared, workspace: Workspace) -> None:
        self.prepared, self.workspace = prepared, workspace
        self.results: dict[Path, FoldResult] = {}
        self.failures: dict[Path, BaseException] = {}
        self.started: set[str] = set()
        self.plans: dict[Path, list[Plan]] = {}
        self.live: set[Path] = set()

    def pending(self, plans: Sequence[Plan]) -> Iterator[Task]:
        """Yield each task that is not stored yet, once; start a run when its first task is reached."""
        for plan in plans:
            for task in plan.tasks:
                self.plans.setdefault(task.directory, []).append(plan)
        seen: set[Path] = set()
        for plan in plans:
            self.start(plan)
            for task in plan.tasks:
                if task.directory in seen or self._doomed(task) or self._stored(task, plan):
                    continue
                seen.add(task.directory)
                self._tell("harness_fold_started", plan, fold=task.fold)
                yield task

    def _doomed(self, task: Task) -> bool:
        """Whether every run that shares a task has already failed in another fold."""
        return all(any(t.directory in self.failures for t in plan.tasks) for plan in self.plans[task.directory])

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
        self._tell("harness_run_started", plan)

    def listen(self, task: Task) -> Listener:
        """Return what passes a task's epochs on to the first run that wants it."""
        self.live.add(task.directory)

        def listener(fold: int, step: int, metrics: Mapping[str, float]) -> None:
            for plan in self.plans[task.directory][:1]:
                self._tell("harness_epoch_logged", plan, fold=fold, step=step, metrics=metrics)

        return listener

    def take(self, task: Task, answer: FoldResult | BaseException) -> None:
        """Note how a task ended, and tell every run that shares it; epochs of another process are told now."""
        if isinstance(answer, BaseException):
            self.failures[task.directory] = answer
            return
        self.results[task.directory] = answer
        if not answer.resumed and task.directory not in self.live:
            tell = self.listen(task)
            for epoch in answer.epochs:
                tell(answer.index, int(epoch["step"]), {key: epoch[key] for key in epoch if key != "step"})
        for position, plan in enumerate(self.plans[task.directory]):
            self.start(plan)
            self._tell("harness_fold_scored", plan, fold=answer if not position else replace(answer, resumed=True))

    def complete(self, plan: Plan) -> bool:
        """Whether nothing of a plan is still to come: all its folds are there, or one failed."""
        ended = [task.directory in self.results for task in plan.tasks]
        return all(ended) or any(task.directory in self.failures for task in plan.tasks)

    def _tell(self, event: str, plan: Plan, **facts: Any) -> None:
        given = {"run": plan.run, **facts}
        self.prepared.plugins.tell(event, **given)
