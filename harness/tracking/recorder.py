"""Writes one journal's events to MLflow. Used by one thread only; raises whatever MLflow raises.

Every event may come twice: whatever MLflow already has is looked for before it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.results import Run
from harness.tracking import content
from harness.tracking.about import About
from harness.tracking.experiment import Experiment
from harness.tracking.handle import FAILED, FINISHED, KILLED, Handle, Point
from harness.tracking.ids import Ids
from harness.tracking.journal import CLOSED
from harness.tracking.note import plain, run_note
from harness.tracking.stored import fold_from_json, read_finished, run_from_json

FILES = ("oof.parquet", "valid.parquet", "submission.csv")
INTERRUPTED = "interrupted"
"""The message of a run that the user stopped."""
PRUNED = "pruned"
"""How the message of a trial begins that was given up."""
FIGURES = (".png", ".svg", ".csv", ".html", ".json")
Event = Mapping[str, Any]


@dataclass
class _Tracked:
    """What is open of one run.

    Attributes
    ----------
    at : int
        When it was started (milliseconds).
    begun : dict of int to int
        When each fold began that is not scored yet.
    """

    run: Run
    at: int
    ids: Ids | None = None
    parent: Handle | None = None
    folds: dict[int, Handle] = field(default_factory=dict)
    epochs: dict[int, list[Point]] = field(default_factory=dict)
    series: list[Point] = field(default_factory=list)
    begun: dict[int, int] = field(default_factory=dict)


class Recorder:
    """Keeps a parent run per strategy and seed, and a child run per fold.

    Parameters
    ----------
    journal : str
        Its name tags the runs made for it, so that one is found whose making had no answer.
    beat : callable
        Called whenever something was written.

    Attributes
    ----------
    experiment_id : str or None
        Known after `open`.
    """

    def __init__(self, uri: str, about: About, journal: str, workspace: Path, beat: Callable[[], None]) -> None:
        self.uri, self.about, self.journal, self.workspace, self.beat = uri, about, journal, workspace, beat
        self.experiment_id: str | None = None
        self._tracked: dict[str, _Tracked] = {}
        self._studies: dict[str, Handle] = {}

    def open(self) -> None:
        """Open the client and the experiment."""
        self.experiment = Experiment.open(self.uri, self.about)
        self.client, self.experiment_id = self.experiment.client, self.experiment.id
        self.beat()

    def recall(self, event: Event) -> None:
        """Take note of an event that MLflow already has."""
        kind, tracked = event["event"], self._tracked.get(event.get("run", ""))
        if kind == "run_started":
            self._tracked[event["run"]] = _Tracked(run_from_json(event["is"], self.workspace), event["at"])
        elif kind == CLOSED:
            self._tracked.clear()
        elif tracked is None:
            return
        elif kind == "fold_started":
            tracked.begun[event["fold"]] = event["at"]
        elif kind == "fold_scored":
            tracked.begun.pop(event["fold"], None)
        elif kind in ("run_finished", "run_failed"):
            del self._tracked[event["run"]]

    def apply(self, event: Event) -> None:
        """Write an event.

        Raises
        ------
        HarnessError
            If what it refers to is gone or damaged.
        Exception
            Whatever MLflow raises.
        """
        kind, at = event["event"], int(event["at"])
        if kind == CLOSED:
            self.killed(at)
        elif kind == "board_updated":
            figures = [self.workspace / path for path in event["figures"]]
            self.experiment.update({"entries": event["entries"]}, figures, at)
        elif kind == "run_started":
            self._run_started(event)
        elif event["run"] in self._tracked:
            tracked = self._tracked[event["run"]]
            steps: dict[str, Callable[[_Tracked, Event, int], None]] = {
                "fold_started": self._fold_started,
                "epoch_logged": self._epoch_logged,
                "fold_scored": self._fold_scored,
                "run_finished": self._run_finished,
                "run_failed": self._run_failed,
            }
            steps[kind](tracked, event, at)
        self.beat()

    def flush(self) -> None:
        """Write the epochs and fold scores that are kept."""
        for tracked in self._tracked.values():
            if tracked.series:
                self._parent(tracked).log(tracked.series)
                tracked.series = []
            for fold, points in list(tracked.epochs.items()):
                self._child(tracked, fold, points[0][3]).log(points)
                del tracked.epochs[fold]
                self.beat()

    def killed(self, at: int) -> None:
        """Close runs that did not end."""
        self.flush()
        for tracked in self._tracked.values():
            self._open_begun(tracked, at)
            self._end(tracked, KILLED, at)
        self._tracked.clear()
        for study in self._studies.values():
            study.end(FINISHED, at)
        self._studies.clear()

    def _run_started(self, event: Event) -> None:
        """Open the parent run, or go on with the one that ``tracking.json`` names."""
        tracked = _Tracked(run_from_json(event["is"], self.workspace), event["at"])
        self._tracked[event["run"]] = tracked
        self._parent(tracked)

    def _fold_started(self, tracked: _Tracked, event: Event, at: int) -> None:
        """Mark the run as running; the fold's child run opens with its first epoch, or when it is scored."""
        self._parent(tracked).reopen()
        tracked.begun[event["fold"]] = at

    def _epoch_logged(self, tracked: _Tracked, event: Event, at: int) -> None:
        """Keep an epoch until the next flush."""
        points = [(name, event["step"], value, at) for name, value in content.epoch_metrics(event["metrics"]).items()]
        if points:
            tracked.epochs.setdefault(event["fold"], []).extend(points)

    def _fold_scored(self, tracked: _Tracked, event: Event, at: int) -> None:
        """Write a fold's scores to its child, and to its run as a series over folds."""
        fold = fold_from_json(event, self.workspace)
        if fold.index >= 0:
            tracked.series += [(name, fold.index, value, at) for name, value in content.raw_scores(fold).items()]
        if tracked.run.identity.get("model", {}).get("use") == content.BASELINE:
            tracked.begun.pop(fold.index, None)
            return  # the folds of a constant say nothing that its run does not
        child = self._child(tracked, fold.index, at - int(fold.seconds * 1000))
        points = list(tracked.epochs.get(fold.index, []))
        points += [
            (name, int(epoch["step"]), value, at)
            for epoch in fold.epochs
            for name, value in content.epoch_metrics(epoch).items()
        ]
        points += [(name, 0, value, at) for name, value in content.fold_metrics(fold).items()]
        notes = {"mlflow.note.content": "\n".join(f"- {plain(note)}" for note in fold.notes)} if fold.notes else {}
        child.log(points, tags=notes)
        child.end(FINISHED, at)
        tracked.epochs.pop(fold.index, None)
        tracked.begun.pop(fold.index, None)

    def _run_finished(self, tracked: _Tracked, event: Event, at: int) -> None:
        """Write a run's scores and files and close it."""
        result, directory = read_finished(tracked.run.directory), tracked.run.directory
        tags = {"marks": ", ".join(result.marks)} if result.marks else {}
        tags |= {"mlflow.note.content": run_note(self.about, result), "board": result.board}
        points = [*tracked.series, *((name, 0, value, at) for name, value in content.run_metrics(result).items())]
        points += [(*point, at) for point in content.fold_series(result.fold_scores or {})]
        parent = self._parent(tracked)
        parent.log(points, tags=tags)
        for path, folder in _files(directory):
            self.client.log_artifact(parent.run_id, str(path), folder)
            self.beat()
        trial = tracked.run.trial
        if trial is not None and trial["trial"] >= 0 and self.about.primary in result.scores:
            value = result.scores[self.about.primary].oof
            self._study(tracked.run, at).log([(f"oof_{self.about.primary}", trial["trial"], value, at)])
        self._end(tracked, FINISHED, at)
        del self._tracked[event["run"]]

    def _run_failed(self, tracked: _Tracked, event: Event, at: int) -> None:
        """Close a run that failed or was interrupted, keeping what it had."""
        self.flush()
        self._open_begun(tracked, at)
        message = event["message"]
        self._parent(tracked).log(tags={"error": message, "mlflow.note.content": f"**Failed:** {plain(message)}"})
        self._end(tracked, KILLED if message.startswith((INTERRUPTED, PRUNED)) else FAILED, at)
        del self._tracked[event["run"]]

    def _open_begun(self, tracked: _Tracked, at: int) -> None:
        """Open the child runs of folds that began and logged nothing, so that one sees where a run ended."""
        for fold in tracked.begun:
            self._child(tracked, fold, at)

    def _parent(self, tracked: _Tracked) -> Handle:
        if tracked.parent is not None:
            return tracked.parent
        run, client = tracked.run, self.client
        with Ids.held(self.workspace):
            ids = Ids.read(run, self.uri, self.experiment.id)
            parent = Handle.adopt(client, ids.parent) if ids.parent else None
            if parent is None:
                key = {"journal": self.journal, "harness_run": run.run_id, "level": content.level_of(run)}
                tags = content.run_tags(run, self.about)
                if run.trial is not None:
                    tags["mlflow.parentRunId"] = self._study(run, tracked.at).run_id
                parent = Handle.find_or_create(client, self.experiment.id, run.label, key, tags, tracked.at)
                parent.log(params=content.run_params(run))
                parent.log_dataset(self.about)
                ids.parent, ids.folds = parent.run_id, {}
                ids.write()
        tracked.parent, tracked.ids = parent, ids
        return parent

    def _study(self, run: Run, at: int) -> Handle:
        """Return the run that holds the trials of a study, whichever command began it."""
        assert run.trial is not None
        study = str(run.trial["study"])
        if study not in self._studies:
            tags = {"strategy": run.strategy, "competition": run.competition, "mlflow.source.name": "harness"}
            key = {"harness_run": study, "level": "tune"}
            name = f"tune {run.strategy}"
            handle = Handle.find_or_create(self.client, self.experiment.id, name, key, tags, at)
            handle.reopen()
            self._studies[study] = handle
        return self._studies[study]

    def _child(self, tracked: _Tracked, fold: int, at: int) -> Handle:
        if fold in tracked.folds:
            return tracked.folds[fold]
        parent, run, ids = self._parent(tracked), tracked.run, tracked.ids
        assert ids is not None
        known = ids.folds.get(str(fold))
        child = Handle.adopt(self.client, known) if known else None
        if child is None:
            key = {"journal": self.journal, "harness_run": run.run_id, "level": "fold", "fold": str(fold)}
            tags = {"mlflow.parentRunId": parent.run_id, "strategy": run.strategy, "seed": content.seed_of(run)}
            name = f"fold {fold}" if fold >= 0 else "refit"
            begun = tracked.begun.get(fold, at)
            child = Handle.find_or_create(self.client, self.experiment.id, name, key, tags, begun)
            ids.folds[str(fold)] = child.run_id
            ids.write()
        if fold in tracked.begun:
            child.reopen()
        tracked.folds[fold] = child
        return child

    def _end(self, tracked: _Tracked, status: str, at: int) -> None:
        for child in tracked.folds.values():
            child.end(status, at)
        self._parent(tracked).end(status, at)


def _files(directory: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield the files of a run that are worth a look, with the folder they go to."""
    for name in FILES:
        if (directory / name).is_file():
            yield directory / name, None
    for path in sorted((directory / "figures").glob("*")):
        if path.suffix in FIGURES:
            yield path, "figures"
