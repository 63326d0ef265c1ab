"""Runs and results as a journal refers to them, read again from their folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import StoreError
from harness.files import read_json
from harness.results import FoldResult, Run, Score
from harness.store import RESULT


class GoneError(StoreError):
    """What an event refers to is no longer there, or damaged."""


@dataclass(frozen=True)
class Finished:
    """What MLflow is told of a finished run.

    Attributes
    ----------
    peak_memory : int
        Bytes; 0 where it is not known.
    fold_scores : mapping
        Metric -> score of each fold, None where there is none.
    board : str
        Key of the leaderboard it is on.
    """

    scores: Mapping[str, Score]
    seconds: float
    peak_memory: int = 0
    notes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    fold_scores: Mapping[str, Any] | None = None
    board: str = ""


def run_to_json(run: Run, workspace: Path) -> dict[str, Any]:
    """Return a run as JSON values, its folder relative to the workspace."""
    return {**asdict(run), "directory": relative(run.directory, workspace)}


def run_from_json(stored: Mapping[str, Any], workspace: Path) -> Run:
    """Read what `run_to_json` returned.

    Raises
    ------
    GoneError
        If its folder is gone.
    """
    directory = workspace / stored["directory"]
    if not directory.is_dir():
        raise GoneError(f"the run's folder is gone: {directory}")
    return Run(**{**stored, "directory": directory})


def fold_to_json(fold: FoldResult, workspace: Path) -> dict[str, Any]:
    """Return where a fold is stored; all of it, if that is not known."""
    if fold.directory is None:
        return {"fold": fold.index, "result": asdict(fold)}
    return {"fold": fold.index, "task": relative(fold.directory, workspace)}


def fold_from_json(stored: Mapping[str, Any], workspace: Path) -> FoldResult:
    """Read what `fold_to_json` referred to.

    Raises
    ------
    GoneError
        If its folder is gone or damaged.
    """
    if "result" in stored:
        result = stored["result"]
        return FoldResult(**{**result, "epochs": tuple(result["epochs"]), "notes": tuple(result["notes"])})
    from harness.stored_task import read_result

    directory = workspace / stored["task"]
    try:
        return read_result(directory, resumed=True)
    except (StoreError, OSError, TypeError, ValueError) as error:
        raise GoneError(f"the fold's folder {directory} cannot be read: {error}") from None


def read_finished(directory: Path) -> Finished:
    """Read ``result.json`` of a run.

    Raises
    ------
    GoneError
        If it is gone or damaged.
    """
    from harness.records import scores_from

    try:
        record = read_json(directory / RESULT)
        return Finished(
            scores=scores_from(record["scores"]),
            seconds=record["seconds"],
            peak_memory=max((fold["peak_memory"] for fold in record.get("folds", ())), default=0),
            notes=tuple(record.get("notes", ())),
            marks=tuple(record.get("marks", ())),
            fold_scores=record.get("fold_scores") or {},
            board=record.get("board", ""),
        )
    except (StoreError, KeyError, TypeError) as error:
        raise GoneError(f"the result of {directory} cannot be read: {error}") from None


def relative(path: Path, workspace: Path) -> str:
    """Return a path as seen from the workspace, for records that survive its being moved."""
    return Path(os.path.relpath(path.resolve(), workspace.resolve())).as_posix()
