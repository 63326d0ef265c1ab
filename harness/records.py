"""What a run leaves behind: predictions as Parquet, scores as JSON, figures; and reading it back."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.adjusting import Adjusted
from harness.competition import Competition
from harness.data import Column, Dataset, DatasetInfo, Predictions, TaskType
from harness.errors import DataError, HarnessError, PluginError, StoreError
from harness.files import atomic_write, read_json, write_json
from harness.planning import Plan, board_key, workspace_path
from harness.plugins import Plugins, describe_error
from harness.prepare import FAST_ROWS, Prepared, Setting, load_dataset, subsample
from harness.results import FoldResult, Run, RunResult, Score, Scored, Status
from harness.schema import schema_of
from harness.store import RESULT, Stored, Workspace

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

VALUE, TARGET, DECISION = "prediction:", "target:", "decision:"
"""Prefixes of Parquet columns, so that no class can be mistaken for another column."""


def write_run_result(
    prepared: Prepared,
    run: Run,
    result: RunResult,
    fold_scores: Mapping[str, Sequence[float]],
    extra: Mapping[str, Any],
) -> None:
    """Write a run's predictions, then ``result.json``, whose presence says that the run is complete."""
    info = prepared.dataset.info
    write_parquet(run.directory / "oof.parquet", scored_frame(result.oof, info))
    if result.valid is not None:
        write_parquet(run.directory / "valid.parquet", scored_frame(result.valid, info))
    if result.test is not None:
        write_parquet(run.directory / "test.parquet", predictions_frame(result.test, result.test_decisions))
    record = {
        "status": result.status.value,
        "competition": run.competition,
        "strategy": run.strategy,
        "label": run.label,
        "seed": run.seed,
        "run_id": run.run_id,
        "fast": run.fast,
        "board": board_key(prepared),
        "metric": prepared.primary.name,
        "scores": {name: asdict(score) for name, score in result.scores.items()},
        "fold_scores": dict(fold_scores),
        "folds": [{**asdict(fold), "epochs": [], "directory": None} for fold in result.folds],
        "notes": list(result.notes),
        "marks": list(result.marks),
        "seconds": result.seconds,
        "submission": None if result.submission is None else result.submission.name,
        "data": {
            "variant": info.variant,
            "digest": prepared.dataset.digest,
            "given": prepared.setting.data,
            "unlabelled": list(prepared.setting.unlabelled),
            "info": asdict(info),
        },
        "schema": asdict(schema_of(prepared.competition, prepared.dataset)),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **extra,
    }
    write_json(run.directory / RESULT, record)


def run_extra(plan: Plan, adjusted: Adjusted, workspace: Workspace) -> dict[str, Any]:
    """Return what ``result.json`` of a trained run holds beside its scores: its tasks and its adjusters' states."""
    final = [plan.refit] if plan.refit is not None else list(plan.tasks)
    return {
        "baseline": plan.strategy.baseline,
        "trial": None if plan.run.trial is None else dict(plan.run.trial),
        "tasks": [workspace_path(task.directory, workspace) for task in final],
        "adjusters": list(adjusted.states),
        "columns": list(adjusted.columns),
    }


def read_run_result(run: Run, info: DatasetInfo, folds: Sequence[FoldResult]) -> RunResult:
    """Read a complete run back.

    Raises
    ------
    StoreError
        If its files do not fit together.
    """
    record = read_json(run.directory / RESULT)
    try:
        test = run.directory / "test.parquet"
        valid = run.directory / "valid.parquet"
        predictions, decisions = read_predictions(test) if test.exists() else (None, None)
        return RunResult(
            run=run,
            status=Status(record["status"]),
            scores=scores_from(record["scores"]),
            folds=tuple(folds),
            oof=read_scored(run.directory / "oof.parquet", info),
            valid=read_scored(valid, info) if valid.exists() else None,
            test=predictions,
            test_decisions=decisions,
            notes=tuple(record["notes"]),
            marks=tuple(record["marks"]),
            seconds=record["seconds"],
            submission=run.directory / record["submission"] if record["submission"] else None,
        )
    except (KeyError, ValueError, OSError) as error:
        raise StoreError(f"{run.directory} is damaged ({error}); remove that folder and run again") from None


def run_of(stored: Stored) -> Run:
    """Return who a finished run is."""
    record = stored.run
    return Run(
        competition=record["competition"],
        strategy=record["strategy"],
        seed=record["seed"],
        run_id=record["run_id"],
        directory=stored.directory,
        identity=record["identity"],
        label=record["label"],
        facts=record["facts"],
        fast=record["fast"],
    )


def read_dataset(
    stored: Stored, competition: Competition, plugins: Plugins, workspace: Workspace
) -> tuple[Setting, Dataset]:
    """Load the data that a run was trained on again, with the setting that asks for it.

    Raises
    ------
    HarnessError
        If it cannot be read, or is no longer the same.
    """
    given: Mapping[str, Any] = stored.result["data"]
    # what could not be read was left out before, or there was nothing
    setting = Setting(
        competition.home,
        workspace.cache.resolve(),
        given["given"],
        skip_bad=True,
        unlabelled=tuple(given.get("unlabelled", ())),
    )
    dataset = load_dataset(competition, plugins, setting)
    if stored.result["fast"]:
        dataset = subsample(dataset, FAST_ROWS)
    if dataset.digest != given["digest"]:
        raise DataError(
            f"the data of {competition.id} is no longer what {stored.directory.name} was trained on;"
            f" run it again: harness run {competition.id}"
        )
    return setting, dataset


def scores_from(stored: Mapping[str, Mapping[str, float | None]]) -> dict[str, Score]:
    """Read scores from JSON, where NaN is null."""

    def number(value: float | None) -> float:
        return math.nan if value is None else value

    return {
        name: Score(
            number(score["oof"]), number(score["mean"]), number(score["stderr"]), score["valid"], score["raw_oof"]
        )
        for name, score in stored.items()
    }


def info_from(stored: Mapping[str, Any]) -> DatasetInfo:
    """Read a `DatasetInfo` from ``result.json``."""
    return DatasetInfo(
        **{
            **stored,
            "task_type": TaskType(stored["task_type"]),
            "classes": tuple(stored["classes"]),
            "columns": tuple(Column(**column) for column in stored["columns"]),
            "notes": tuple(stored["notes"]),
        }
    )


def write_figures(prepared: Prepared, result: RunResult, baseline: bool = False) -> list[str]:
    """Write every report of every plugin below the run's ``figures``; a report that fails becomes a note.

    Returns
    -------
    list of str
        One line for each plugin that failed.
    """
    if baseline:  # a constant has no curves worth looking at
        return []
    folder = result.run.directory / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    notes = []
    for plugin in prepared.plugins.answering("harness_report"):
        try:
            for _, answer in prepared.plugins.ask(
                "harness_report",
                only=[plugin],
                competition=prepared.competition,
                dataset=prepared.dataset,
                result=result,
            ):
                for artifact in answer or ():
                    target = (folder / artifact.name).resolve()
                    if not target.is_relative_to(folder.resolve()):
                        raise PluginError(f"plugin {plugin!r}: report {artifact.name!r} lies outside the run's folder")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    artifact.write(target)
        except HarnessError as error:
            notes.append(str(error))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a figure is not worth a run
            notes.append(f"plugin {plugin!r} failed to draw its report: {describe_error(error)}")
    return notes


def scored_frame(scored: Scored, info: DatasetInfo) -> pd.DataFrame:
    """Return a labelled set with its predictions as a table: id, fold, target, weight, predictions, decisions."""
    import pandas as pd

    columns: dict[str, Any] = {"id": scored.predictions.ids, "fold": scored.folds}
    columns |= _by_column(TARGET, scored.targets, info)
    if scored.weights is not None:
        columns["weight"] = scored.weights
    columns |= _named(VALUE, scored.predictions.values, scored.predictions.columns)
    if scored.decisions is not None:
        columns |= _named(DECISION, scored.decisions.astype("int8"), info.outputs)
    return pd.DataFrame(columns)


def predictions_frame(predictions: Predictions, decisions: Predictions | None) -> pd.DataFrame:
    """Return predictions as a table: id, then one column for each output, then the decisions."""
    import pandas as pd

    columns = {"id": predictions.ids, **_named(VALUE, predictions.values, predictions.columns)}
    if decisions is not None:
        columns |= _named(DECISION, decisions.values.astype("int8"), decisions.columns)
    return pd.DataFrame(columns)


def read_scored(path: Path, info: DatasetInfo) -> Scored:
    """Read what `scored_frame` made."""
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(path)
    decisions = _columns(frame, DECISION)
    if info.task_type is TaskType.MULTILABEL:
        targets: NDArray[Any] = _columns(frame, TARGET)[1].astype(np.int8)
    elif info.task_type is TaskType.REGRESSION:
        targets = frame["target"].to_numpy(np.float64)
    else:
        codes = {name: code for code, name in enumerate(info.classes)}
        targets = frame["target"].map(codes).to_numpy(np.int64)
    return Scored(
        targets,
        _predictions(frame),
        decisions[1].astype(np.float64) if decisions[0] else None,
        frame["weight"].to_numpy(np.float64) if "weight" in frame else None,
        frame["fold"].to_numpy(np.int64),
    )


def read_predictions(path: Path) -> tuple[Predictions, Predictions | None]:
    """Read what `predictions_frame` made: predictions and decisions."""
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(path)
    predictions, (names, decisions) = _predictions(frame), _columns(frame, DECISION)
    return predictions, Predictions(predictions.ids, decisions.astype(np.float64), names) if names else None


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as Parquet, atomically."""
    with atomic_write(path) as file:
        frame.to_parquet(file, index=False)


def _by_column(prefix: str, targets: NDArray[Any], info: DatasetInfo) -> dict[str, Any]:
    import numpy as np

    if info.task_type is TaskType.MULTILABEL:
        return _named(prefix, targets, info.classes)
    if info.task_type is TaskType.REGRESSION:
        return {"target": targets}
    return {"target": np.array(info.classes, dtype=object)[targets]}


def _named(prefix: str, values: NDArray[Any], columns: Sequence[str]) -> dict[str, Any]:
    return {f"{prefix}{name}": values[:, position] for position, name in enumerate(columns)}


def _columns(frame: pd.DataFrame, prefix: str) -> tuple[tuple[str, ...], NDArray[Any]]:
    names = [name for name in frame.columns if name.startswith(prefix)]
    return tuple(name.removeprefix(prefix) for name in names), frame[names].to_numpy()


def _predictions(frame: pd.DataFrame) -> Predictions:
    import numpy as np

    columns, values = _columns(frame, VALUE)
    floats: NDArray[np.float64] = values.astype(np.float64)
    return Predictions(frame["id"].to_numpy(object), floats, columns)
