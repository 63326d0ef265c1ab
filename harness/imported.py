"""A notebook's predictions on the leaderboard, scored by the same rules as every strategy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.adjusting import default_decisions
from harness.checked import check_values
from harness.data import Examples, Predictions, TaskType
from harness.derived import Derived, store_derived
from harness.errors import ConfigError, DataError, listed
from harness.files import sha256, slug
from harness.planning import board_key
from harness.prepare import Prepared, oof_rows
from harness.results import Run, RunResult, Scored
from harness.schema import match_classes
from harness.scoring import evaluation_weights, scored_valid
from harness.store import Workspace, digest_of
from harness.submission_file import read_submission

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def import_predictions(
    prepared: Prepared, workspace: Workspace, name: str, oof: Path, test: Path, valid: Path | None
) -> RunResult:
    """Score predictions made elsewhere and store them as a run.

    Parameters
    ----------
    name : str
        Its name on the board; not that of a strategy.
    oof, test, valid : Path
        CSV or Parquet: an id column first, then one column per class (named as the class, ``<prefix><class>``, or as in
        the submission), or for a binary task the positive class alone, or one value column of a regression.

    Raises
    ------
    HarnessError
        If ids are missing or doubled, or columns cannot be understood.
    """
    if name in prepared.competition.names:
        raise ConfigError(f"--name {name!r} is a strategy or a blend of {prepared.competition.id}; choose another")
    dataset, task = prepared.dataset, prepared.competition.task
    if dataset.test is None:
        raise DataError(f"{prepared.competition.id} has no test set, so {test} cannot be imported")
    run = _run(prepared, workspace, name, {"oof": oof, "test": test, **({"valid": valid} if valid else {})})
    scored = _scored_oof(prepared, read_table(oof, prepared))
    found = None if valid is None or dataset.valid is None else read_table(valid, prepared)
    valid_predictions = None if found is None or dataset.valid is None else _align(found, dataset.valid, str(valid))
    decisions = None if valid_predictions is None else default_decisions(valid_predictions.values, task)
    scored_on_valid = scored_valid(dataset, valid_predictions, decisions)
    final = _align(read_table(test, prepared), dataset.test, str(test))
    decided = default_decisions(final.values, task)
    named = None if decided is None else Predictions(final.ids, decided, final.columns)
    workspace.check_writable()
    marks = ("imported", *(("simulated",) if dataset.info.simulated else ()))
    result = store_derived(prepared, run, Derived(scored, scored_on_valid, final, named, marks=marks))
    prepared.plugins.tell("harness_run_started", run=run)
    prepared.plugins.tell("harness_run_finished", run=run, result=result)
    return result


def _run(prepared: Prepared, workspace: Workspace, name: str, files: Mapping[str, Path]) -> Run:
    identity = {
        "imported": {part: _digest(path) for part, path in files.items()},
        "board": board_key(prepared),
    }
    competition = prepared.competition.id
    run_id = f"{slug(name)}-imported-{digest_of(identity)[:8]}"
    return Run(competition, name, None, run_id, workspace.runs(competition) / run_id, identity, name)


def _digest(path: Path) -> str:
    if not path.is_file():
        raise DataError(f"no file {path}")
    return sha256(path)


def read_table(path: Path, prepared: Prepared) -> Predictions:
    """Read predictions by id from CSV or Parquet, columns in the global order.

    Raises
    ------
    HarnessError
        If the file or its columns cannot be understood.
    """
    import numpy as np
    import pandas as pd

    info = prepared.dataset.info
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        frame.iloc[:, 0] = frame.iloc[:, 0].astype(str)
    else:
        frame = read_submission(path).frame
    ids = frame.iloc[:, 0].to_numpy(object)
    columns = _by_output(prepared, [str(column) for column in frame.columns[1:]], path)
    values = {output: _numbers(frame[column], path) for output, column in columns.items()}
    if len(values) == 1 and info.task_type is TaskType.BINARY:
        (given,) = values
        other = next(name for name in info.classes if name != given)
        values[other] = 1.0 - values[given]
    return Predictions(ids, np.column_stack([values[output] for output in info.outputs]), info.outputs)


def _by_output(prepared: Prepared, columns: list[str], path: Path) -> dict[str, str]:
    info, schema = prepared.dataset.info, prepared.competition.submission
    if info.task_type is TaskType.REGRESSION and len(columns) == 1:
        return {info.outputs[0]: columns[0]}
    if schema is not None and set(columns) == set(schema.columns):
        found = {output: column for column, output in schema.columns.items()}
        if set(found) == set(info.classes) or (len(found) == 1 and info.task_type is TaskType.BINARY):
            return found
    matched = {output: column for column, output in match_classes(columns, info.classes).items()}
    if not matched and len(columns) == 1 and info.task_type is TaskType.BINARY:
        matched = {info.classes[1]: columns[0]}
    if not matched:
        raise DataError(f"{path} has the columns {listed(columns)}; expected the id and one per {listed(info.outputs)}")
    return matched


def _numbers(column: pd.Series, path: Path) -> Floats:
    import pandas as pd

    values: Floats = pd.to_numeric(column, errors="coerce").to_numpy(float)
    wrong = int((values != values).sum())
    if wrong:
        raise DataError(f"{path}: column {column.name!r} has {wrong} values that are no number")
    return values


def _align(found: Predictions, examples: Examples, where: str) -> Predictions:
    """Put predictions into the order of the examples, by id."""
    return _by_id(found, examples.ids, where)


def _by_id(found: Predictions, ids: NDArray[np.object_], where: str) -> Predictions:
    import pandas as pd

    index = pd.Index(found.ids, dtype=object)
    if not index.is_unique:
        raise DataError(f"{where} has duplicate ids: {listed(index[index.duplicated()].unique())}")
    rows = index.get_indexer(pd.Index(ids, dtype=object))
    missing = ids[rows < 0]
    if len(missing):
        raise DataError(f"{where} lacks {len(missing)} of {len(ids)} ids: {listed(missing)}")
    return Predictions(ids, found.values[rows], found.columns)


def _scored_oof(prepared: Prepared, found: Predictions) -> Scored:
    train = prepared.dataset.train
    assert train.targets is not None
    rows, folds = oof_rows(prepared)
    aligned = _by_id(found, train.ids[rows], "the OOF file")
    check_values(aligned.values, prepared.competition.task, "the OOF file")
    weights = evaluation_weights(train.targets[rows], prepared.dataset.info.classes, prepared.target_prior)
    decisions = default_decisions(aligned.values, prepared.competition.task)
    return Scored(train.targets[rows], aligned, decisions, weights, folds)
