"""Writes one command's events to MLflow. Used by one thread only; raises whatever MLflow raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.competition import Competition
from harness.data import Dataset
from harness.files import read_json
from harness.results import FoldResult, Run, RunResult
from harness.store import RESULT
from harness.tracking import content
from harness.tracking.experiment import Experiment
from harness.tracking.handle import FAILED, FINISHED, KILLED, Handle, Point
from harness.tracking.ids import Ids
from harness.tracking.note import run_note

FILES = ("oof.parquet", "valid.parquet")
INTERRUPTED = "interrupted"
"""The message of a run that the user stopped."""
FIGURES = (".png", ".svg", ".csv", ".html", ".json")


class _Tracked:
    """What is open of one run."""

    def __init__(self, run: Run, ids: Ids, parent: Handle) -> None:
        self.run, self.ids, self.parent = run, ids, parent
        self.folds: dict[int, Handle] = {}
        self.epochs: dict[int, list[Point]] = {}
        self.series: list[Point] = []
        self.begun: dict[int, int] = {}


class Recorder:
    """Keeps a parent run per strategy and seed, and a child run per fold.

    Attributes
    ----------
    experiment_id : str or None
        Known after `open`.
    """

    def __init__(self, uri: str, competition: Competition, dataset: Dataset, directions: Mapping[str, str]) -> None:
        self.uri, self.competition, self.dataset, self.directions = uri, competition, dataset, directions
        self.experiment_id: str | None = None
        self._tracked: dict[str, _Tracked] = {}
        self._at = 0

    def open(self) -> None:
        """Open the client and the experiment."""
        self.experiment = Experiment.open(self.uri, self.competition, self.dataset, self.directions)
        self.client, self.experiment_id = self.experiment.client, self.experiment.id

    def run_started(self, run: Run, at: int) -> None:
        """Open the parent run, or go on with the one that ``tracking.json`` names."""
        ids = Ids.read(run, self.uri, self.experiment.id)
        tags = content.run_tags(run, self.competition, self.dataset, self.directions)
        parent = Handle.adopt(self.client, ids.parent) if ids.parent else None
        if parent is None:
            parent = Handle.create(self.client, self.experiment.id, run.label, tags, at)
            parent.log(at, params=content.run_params(run))
            parent.log_dataset(self.dataset)
            ids.parent, ids.folds = parent.run_id, {}
            ids.write()
        self._tracked[run.run_id] = _Tracked(run, ids, parent)

    def fold_started(self, run: Run, fold: int, at: int) -> None:
        """Mark the run as running; the fold's child run opens with its first epoch, or when it is scored."""
        tracked = self._tracked[run.run_id]
        tracked.parent.reopen()
        tracked.begun[fold] = at

    def epoch_logged(self, run: Run, fold: int, step: int, metrics: Mapping[str, float], at: int) -> None:
        """Keep an epoch until the next flush."""
        points = [(name, step, value) for name, value in content.epoch_metrics(metrics).items()]
        self._tracked[run.run_id].epochs.setdefault(fold, []).extend(points)
        if at - self._at > 2000:
            self._at = at
            self.flush()

    def flush(self) -> None:
        """Write the epochs and fold scores that are kept."""
        for tracked in self._tracked.values():
            tracked.parent.log(self._at, tracked.series)
            tracked.series = []
            for fold, points in tracked.epochs.items():
                self._child(tracked.run, fold, self._at).log(self._at, points)
            tracked.epochs.clear()

    def fold_scored(self, run: Run, fold: FoldResult, at: int) -> None:
        """Write a fold's scores to its child, and to its run as a series over folds."""
        tracked = self._tracked[run.run_id]
        if fold.index >= 0:
            tracked.series += [(name, fold.index, value) for name, value in content.raw_scores(fold).items()]
        if run.identity.get("model", {}).get("use") == content.BASELINE:
            return  # the folds of a constant say nothing that its run does not
        child = self._child(run, fold.index, at - int(fold.seconds * 1000))
        points = tracked.epochs.pop(fold.index, [])
        points += [
            (name, int(epoch["step"]), value)
            for epoch in fold.epochs
            for name, value in content.epoch_metrics(epoch).items()
        ]
        points += [(name, 0, value) for name, value in content.fold_metrics(fold).items()]
        notes = {"mlflow.note.content": "\n".join(f"- {note}" for note in fold.notes)} if fold.notes else {}
        child.log(at, points, tags=notes)
        child.end(FINISHED, at)

    def run_finished(self, run: Run, result: RunResult, at: int) -> None:
        """Write a run's scores and files and close it."""
        tracked = self._tracked.pop(run.run_id)
        tags = {"marks": ", ".join(result.marks)} if result.marks else {}
        tags["mlflow.note.content"] = run_note(self.competition, result)
        points = [*tracked.series, *((name, 0, value) for name, value in content.run_metrics(result).items())]
        stored = run.directory / RESULT
        if stored.is_file():
            record = read_json(stored)
            points += content.fold_series(record.get("fold_scores") or {})
            tags["board"] = record.get("board", "")
        tracked.parent.log(at, points, tags=tags)
        for path, folder in _files(run.directory, result.submission):
            self.client.log_artifact(tracked.parent.run_id, str(path), folder)
        _end(tracked, FINISHED, at)

    def run_failed(self, run: Run, message: str, at: int) -> None:
        """Close a run that failed or was interrupted, keeping what it had."""
        self.flush()
        self._open_begun(run, at)
        tracked = self._tracked.pop(run.run_id)
        tracked.parent.log(at, tags={"error": message, "mlflow.note.content": f"**Failed:** {message}"})
        _end(tracked, KILLED if message == INTERRUPTED else FAILED, at)

    def board_updated(
        self, competition: Competition, board: Mapping[str, Any], figures: Sequence[Path], at: int
    ) -> None:
        """Write the leaderboard into the experiment."""
        if competition.id == self.competition.id:
            self.experiment.update(board, figures, at)

    def killed(self, at: int) -> None:
        """Close runs that did not end."""
        self.flush()
        for tracked in self._tracked.values():
            self._open_begun(tracked.run, at)
            _end(tracked, KILLED, at)
        self._tracked.clear()

    def _open_begun(self, run: Run, at: int) -> None:
        """Open the child runs of folds that began and logged nothing, so that one sees where a run ended."""
        for fold in self._tracked[run.run_id].begun:
            self._child(run, fold, at)

    def _child(self, run: Run, fold: int, at: int) -> Handle:
        tracked = self._tracked[run.run_id]
        if fold in tracked.folds:
            return tracked.folds[fold]
        known = tracked.ids.folds.get(str(fold))
        child = Handle.adopt(self.client, known) if known else None
        if child is None:
            parent = {"mlflow.parentRunId": tracked.parent.run_id, "level": "fold", "fold": str(fold)}
            names = {"strategy": run.strategy, "seed": content.seed_of(run), "harness_run": run.run_id}
            name = f"fold {fold}" if fold >= 0 else "refit"
            begun = tracked.begun.get(fold, at)
            child = Handle.create(self.client, self.experiment.id, name, {**parent, **names}, begun)
            tracked.ids.folds[str(fold)] = child.run_id
            tracked.ids.write()
        if fold in tracked.begun:
            child.reopen()
        tracked.folds[fold] = child
        return child


def _end(tracked: _Tracked, status: str, at: int) -> None:
    for child in tracked.folds.values():
        child.end(status, at)
    tracked.parent.end(status, at)


def _files(directory: Path, submission: Path | None) -> Iterator[tuple[Path, str | None]]:
    """Yield the files of a run that are worth a look, with the folder they go to."""
    for path in (*(directory / name for name in FILES), directory / "submission.csv", submission):
        if path is not None and path.is_file():
            yield path, None
    for path in sorted((directory / "figures").glob("*")):
        if path.suffix in FIGURES:
            yield path, "figures"
