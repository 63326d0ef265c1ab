"""The plugin that hears the events of a run and passes them on to MLflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from harness.competition import Competition
from harness.data import Dataset
from harness.hookspecs import hookimpl
from harness.results import FoldResult, Run, RunResult
from harness.tracking.recorder import Recorder
from harness.tracking.server import shown_uri
from harness.tracking.worker import Worker


class Tracker:
    """Mirrors one command's runs in MLflow; register it with ``manager.register`` and `close` it at the end.

    Events are only queued here; a background thread imports MLflow (1.2 s) and writes. Whatever goes wrong there is
    told once and never stops a run.

    Parameters
    ----------
    uri : str
        See `harness.tracking.resolve_uri`.
    directions : mapping of str to str
        ``min`` or ``max`` for each metric of the competition.
    warn : callable
        Gets one line at the first failure.
    """

    def __init__(
        self,
        uri: str,
        competition: Competition,
        dataset: Dataset,
        *,
        directions: Mapping[str, str],
        warn: Callable[[str], None],
    ) -> None:
        self.uri, self._warn = uri, warn
        self._recorder = Recorder(uri, competition, dataset, directions)
        self._worker = Worker(warn, idle=self._recorder.flush)
        self._worker.put(self._recorder.open)

    @property
    def experiment_id(self) -> str | None:
        """The experiment's id in MLflow, once it is known; certain after `close` if nothing failed."""
        return self._recorder.experiment_id

    @hookimpl
    def harness_run_started(self, run: Run) -> None:
        """Open the run."""
        self._worker.put(partial(self._recorder.run_started, run, _now()))

    @hookimpl
    def harness_fold_started(self, run: Run, fold: int) -> None:
        """Open the fold's child run."""
        self._worker.put(partial(self._recorder.fold_started, run, fold, _now()))

    @hookimpl
    def harness_epoch_logged(self, run: Run, fold: int, step: int, metrics: Mapping[str, float]) -> None:
        """Note an epoch; epochs are written together, at most two seconds late."""
        self._worker.put(partial(self._recorder.epoch_logged, run, fold, step, dict(metrics), _now()))

    @hookimpl
    def harness_fold_scored(self, run: Run, fold: FoldResult) -> None:
        """Write a fold's scores and close its child run."""
        self._worker.put(partial(self._recorder.fold_scored, run, fold, _now()))

    @hookimpl
    def harness_run_finished(self, run: Run, result: RunResult) -> None:
        """Write scores and files and close the run."""
        self._worker.put(partial(self._recorder.run_finished, run, result, _now()))

    @hookimpl
    def harness_run_failed(self, run: Run, message: str) -> None:
        """Close the run as failed, with its message."""
        self._worker.put(partial(self._recorder.run_failed, run, message, _now()))

    @hookimpl
    def harness_board_updated(
        self, competition: Competition, board: Mapping[str, Any], figures: Iterable[Path]
    ) -> None:
        """Write the leaderboard into the experiment's description."""
        self._worker.put(partial(self._recorder.board_updated, competition, board, tuple(figures), _now()))

    def close(self, timeout: float = 60.0) -> None:
        """Write what is queued, and mark runs that did not end as killed; gives up after `timeout` idle seconds."""
        self._worker.put(partial(self._recorder.killed, _now()))
        if not self._worker.close(timeout):
            where = shown_uri(self.uri)
            self._warn(f"MLflow at {where} did not answer within {timeout:.0f} s; its record is incomplete")


def _now() -> int:
    return time.time_ns() // 1_000_000
