"""The plugin that hears the events of a run and passes them on to MLflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness.competition import Competition
from harness.data import Dataset
from harness.errors import StoreError, listed
from harness.hookspecs import hookimpl
from harness.results import FoldResult, Run, RunResult
from harness.tracking.about import About
from harness.tracking.delivery import Delivery, InUseError, held, waiting
from harness.tracking.journal import CLOSED, DamagedError, Journal
from harness.tracking.owner import is_another_alive, is_elsewhere
from harness.tracking.redact import reason_of, redact, shown_uri
from harness.tracking.server import place_of
from harness.tracking.stored import fold_to_json, relative, run_to_json
from harness.tracking.worker import Worker

SETTLE = 2.0
"""Seconds between two acknowledgements, so that epochs are written together."""
ENTRY = ("name", "seed", "run_id", "status", "baseline", "scores", "seconds", "marks", "flags", "rank")
"""What MLflow is told of a line of the board."""


class Tracker:
    """Mirrors one command's runs in MLflow; register it with ``manager.register`` and `close` it at the end.

    Events are only written to a journal here; a background thread imports MLflow (1.2 s) and delivers them, after those
    that earlier commands left. Whatever goes wrong there stops no run: what was not delivered stays in the journal for
    ``harness sync``.

    Parameters
    ----------
    uri : str
        See `harness.tracking.resolve_uri`.
    workspace : Path
        Where runs and journals lie.
    directions : mapping of str to str
        ``min`` or ``max`` for each metric of the competition.
    warn : callable
        Gets one line at the end if events wait, and one for each journal that is damaged or was put aside.
    command : str
        What to type for this program at the same place, in that line.
    """

    def __init__(
        self,
        uri: str,
        competition: Competition,
        dataset: Dataset,
        *,
        workspace: Path,
        directions: Mapping[str, str],
        warn: Callable[[str], None],
        command: str = "harness",
    ) -> None:
        # `requests` hides a warning of its own while it is imported; in a thread, another thread may undo that
        import requests  # noqa: F401

        self.uri, self._warn, self._workspace = uri, warn, workspace.resolve()
        self._command = command
        self._competition, self._settled = competition.id, 0.0
        self._own: Delivery | None = None
        self._older: list[Path] | None = None
        try:
            journal = Journal.create(workspace, uri, About.of(competition, dataset, directions).as_json())
        except StoreError as error:
            warn(f"this command is not tracked in MLflow: {error}")
            return
        lock = FileLock(journal.lock_path, thread_local=False)
        lock.acquire(timeout=10)
        self._worker = Worker(self._work, ended=lock.release)
        self._own = Delivery(journal, uri, self._worker.beat)
        self._worker.start()

    @property
    def experiment_id(self) -> str | None:
        """The experiment's id in MLflow, once it is known; certain after `close` if nothing failed."""
        return None if self._own is None else self._own.experiment_id

    @hookimpl
    def harness_run_started(self, run: Run) -> None:
        """Open the run."""
        run.directory.mkdir(parents=True, exist_ok=True)  # one that is gone later was removed
        self._tell("run_started", run, **{"is": run_to_json(run, self._workspace)})

    @hookimpl
    def harness_fold_started(self, run: Run, fold: int) -> None:
        """Open the fold's child run."""
        self._tell("fold_started", run, fold=int(fold))

    @hookimpl
    def harness_epoch_logged(self, run: Run, fold: int, step: int, metrics: Mapping[str, float]) -> None:
        """Note an epoch; epochs are written together, at most two seconds late."""
        values = {name: float(value) for name, value in metrics.items()}
        self._tell("epoch_logged", run, fold=int(fold), step=int(step), metrics=values)

    @hookimpl
    def harness_fold_scored(self, run: Run, fold: FoldResult) -> None:
        """Write a fold's scores and close its child run."""
        self._tell("fold_scored", run, **fold_to_json(fold, self._workspace))

    @hookimpl
    def harness_run_finished(self, run: Run, result: RunResult) -> None:
        """Write scores and files and close the run."""
        del result  # read from the run's folder when it is delivered
        self._tell("run_finished", run)

    @hookimpl
    def harness_run_failed(self, run: Run, message: str) -> None:
        """Close the run as failed, with its message."""
        self._tell("run_failed", run, message=redact(message, self.uri))

    @hookimpl
    def harness_board_updated(
        self, competition: Competition, board: Mapping[str, Any], figures: Iterable[Path]
    ) -> None:
        """Write the leaderboard into the experiment's description."""
        if competition.id != self._competition:
            return
        entries = [{key: entry[key] for key in ENTRY if key in entry} for entry in board.get("entries", ())]
        paths = [relative(path, self._workspace) for path in figures]
        self._tell("board_updated", None, entries=entries, figures=paths)

    def close(self, timeout: float = 60.0) -> None:
        """Deliver what is there, and mark runs that did not end as killed; gives up after `timeout` idle seconds."""
        if self._own is None:
            return
        self._tell(CLOSED, None)
        in_time = self._worker.close(timeout)
        journal = self._own.journal
        if not journal.path.exists():
            journal.forget_lock()
            return
        what = reason_of(self._worker.error, self.uri) if in_time else f"no answer within {timeout:.0f} s"
        count = journal.waiting()
        events = "1 event of this command waits" if count == 1 else f"{count} events of this command wait"
        self._warn(
            f"MLflow at {shown_uri(self.uri)}: {what}; {events} in {journal.path}; deliver: {self._command} sync"
        )

    def _tell(self, kind: str, run: Run | None, **facts: Any) -> None:
        if self._own is None:
            return
        event = {"event": kind, "at": time.time_ns() // 1_000_000, **facts}
        try:
            self._own.journal.append(event if run is None else {**event, "run": run.run_id})
        except OSError as error:
            self._warn(f"MLflow misses what follows: cannot write {self._own.journal.path}: {error}")
            self._worker.close(0)
            self._own = None
            return
        self._worker.wake()

    def _work(self, closing: bool) -> bool:
        """Deliver what can be delivered now; True when this command's journal is closed and gone."""
        own = self._own
        if own is None:
            return True
        self._deliver_older()
        fresh = own.advance()
        now = time.monotonic()
        if closing or not fresh or now > self._settled + SETTLE:
            own.settle()
            self._settled = now
        if not own.closed:
            return False
        aside = own.put_away()
        if aside is not None:
            self._warn(f"MLflow lacks a part, kept in {aside}: {listed(own.lost, 2)}")
        return True

    def _deliver_older(self) -> None:
        """Deliver what earlier commands left for the same server, so that everything arrives in order."""
        assert self._own is not None
        if self._older is None:
            self._older = [path for path in waiting(self._workspace) if path.name < self._own.journal.path.name]
        while self._older:
            path = self._older[0]
            if path.exists():
                self._deliver(path)
            del self._older[0]

    def _deliver(self, path: Path) -> None:
        try:
            journal = Journal.read(path)
        except StoreError as error:
            self._warn(f"what an earlier command kept for MLflow cannot be used: {error}")
            return
        try:
            if place_of(journal.uri) != place_of(self.uri):
                return
            with held(journal):
                if not path.exists():
                    return
                list(journal.lines())  # a damaged one is left to a person, whole
                delivery = Delivery(journal, self.uri, self._worker.beat)
                aside = delivery.end()
        except InUseError:
            # commands side by side do not wait for each other, but what is being delivered comes first
            owner = journal.header["owner"]
            if path.exists() and not is_another_alive(owner) and not is_elsewhere(owner):
                raise
            return
        except DamagedError as error:
            self._warn(f"what an earlier command kept for MLflow waits: {error}")
            return
        if aside is not None:
            self._warn(f"MLflow lacks a part of an earlier command, kept in {aside}: {listed(delivery.lost, 2)}")
