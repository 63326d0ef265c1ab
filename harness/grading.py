"""A submission scored against a file of true answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.competition import SubmissionSchema
from harness.data import DatasetInfo, Submission, TaskType, check_unique
from harness.errors import DataError, HarnessError, MetricFailedError, SubmissionError, WrongColumnsError, listed
from harness.offers import Metric
from harness.schema import match_classes
from harness.submission import check, numbers, read_submission

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LABEL_NAMES = ("target", "label", "class", "y")
_IGNORED = ("Usage",)  # Kaggle's solution files say which rows count for the public board


@dataclass(frozen=True, eq=False)
class Truth:
    """True answers.

    Attributes
    ----------
    ids : (n,) object array of str
    targets : array
        Shape by `harness.data.TaskType`.
    """

    ids: NDArray[np.object_]
    targets: NDArray[Any]


def read_truth(path: Path, schema: SubmissionSchema, info: DatasetInfo) -> Truth:
    """Read a file of true answers.

    It has an id column (named as in the submission, else the first) and one of: a column of labels; a column per
    class, named as in the submission or as `harness.schema` matches them, of which a single-label task takes the
    largest; a column of numbers (a regression; or 0 and 1 for the positive class of a binary task).

    Raises
    ------
    DataError
        Naming what cannot be understood.
    """
    import numpy as np

    try:
        frame = read_submission(path).frame
    except SubmissionError as error:
        raise DataError(f"truth file: {error}") from None
    key = schema.id if schema.id in frame.columns else str(frame.columns[0])
    ids = np.asarray(frame[key], dtype=object)
    check_unique(ids, f"truth file {path}")
    frame = frame.drop(columns=[key, *_IGNORED], errors="ignore")
    if info.task_type is TaskType.REGRESSION:
        return Truth(ids, _numbers(frame, [_one_column(frame, schema, path)], path)[:, 0])
    columns = _class_columns(frame, schema, info)
    if columns:
        values = _numbers(frame, [columns[name] for name in info.classes], path)
        targets = values.argmax(axis=1) if info.task_type.single_label else (values >= 0.5).astype(np.int8)
        return Truth(ids, targets)
    return Truth(ids, _codes(frame[_one_column(frame, schema, path)], schema, info, path))


def _class_columns(frame: pd.DataFrame, schema: SubmissionSchema, info: DatasetInfo) -> dict[str, str]:
    found = [str(column) for column in frame.columns]
    for columns in (schema.columns, match_classes(found, info.classes)):
        by_class = {output: column for column, output in columns.items()}
        if set(by_class) == set(info.classes) and set(by_class.values()) <= set(found):
            return by_class
    return {}


def _one_column(frame: pd.DataFrame, schema: SubmissionSchema, path: Path) -> str:
    found = [str(column) for column in frame.columns]
    if len(found) == 1:
        return found[0]
    for names in (tuple(schema.columns), _LABEL_NAMES):
        known = [name for name in names if name in found]
        if len(known) == 1:
            return known[0]
    raise DataError(
        f"truth file {path} has the columns {listed(found)}; expected one of answers beside the id, or one per class"
    )


def _numbers(frame: pd.DataFrame, columns: Sequence[str], path: Path) -> Floats:
    import numpy as np

    values = np.column_stack([numbers(frame[column])[0] for column in columns])
    wrong = ~np.isfinite(values).all(axis=1)
    if wrong.any():
        raise DataError(
            f"truth file {path} has {wrong.sum()} rows without a number in {listed(columns)}: lines"
            f" {listed(np.flatnonzero(wrong) + 2)}"
        )
    return values


def _codes(column: pd.Series[Any], schema: SubmissionSchema, info: DatasetInfo, path: Path) -> NDArray[Any]:
    import numpy as np

    if info.task_type is TaskType.MULTILABEL:
        return _words(column, schema, info, path)
    code = {name: position for position, name in enumerate(info.classes)}
    found = set(column.unique())
    if info.task_type is TaskType.BINARY and not found <= set(code) and found <= {"0", "1", "0.0", "1.0"}:
        code = {"0": 0, "0.0": 0, "1": 1, "1.0": 1}
    unknown = sorted(found - set(code))
    if unknown:
        raise DataError(
            f"truth file {path}: column {column.name!r} holds {listed(unknown)}; expected the classes"
            f" {listed(info.classes)}"
        )
    return column.map(code).to_numpy(dtype=np.int64)


def _words(column: pd.Series[Any], schema: SubmissionSchema, info: DatasetInfo, path: Path) -> NDArray[Any]:
    import numpy as np

    code = {name: position for position, name in enumerate(info.classes)}
    targets = np.zeros((len(column), len(code)), dtype=np.int8)
    for row, text in enumerate(column):
        words = text.split() if text != schema.nothing else []
        unknown = [word for word in words if word not in code]
        if unknown:
            raise DataError(
                f"truth file {path}: line {row + 2} has {listed(unknown)}; expected the classes {listed(info.classes)}"
            )
        targets[row, [code[word] for word in words]] = 1
    return targets


def score_submission(
    metrics: Iterable[Metric], schema: SubmissionSchema, submission: Submission, truth: Truth, info: DatasetInfo
) -> dict[str, float]:
    """Score a submission against true answers, joined by id.

    Probabilities are put into the global class order, and each row's sum is made 1 where the task has one class per
    row; decisions are the likeliest class, or 0.5 and more in a multilabel task. A submission of labels or decisions
    has no probabilities, so metrics that need them are left out.

    Returns
    -------
    dict of str to float
        Metric -> score, in the order given.

    Raises
    ------
    WrongColumnsError
        If it has other columns than the schema.
    SubmissionError
        If the submission is not valid for the ids of the truth file, or no metric can be computed from it.
    MetricFailedError
        If a metric raises anything else; chained to it.
    """
    import pandas as pd

    problems = check(schema, submission, truth.ids, info)
    if problems:
        more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
        kind = WrongColumnsError if list(submission.frame.columns) != [schema.id, *schema.columns] else SubmissionError
        raise kind(f"the submission cannot be graded: {problems[0]}{more}")
    rows = pd.Index(submission.frame[schema.id], dtype=object).get_indexer(pd.Index(truth.ids, dtype=object))
    frame = submission.frame.iloc[rows]
    values = _values(schema, frame, info)
    if info.task_type is TaskType.REGRESSION:
        offered = {"values": values}
    elif schema.values == "probabilities":
        offered = {"probabilities": values, "values": values, "decisions": decide(values, info)}
    else:
        offered = {"decisions": values}
    scores = {m.name: _scored(m, truth.targets, offered[m.needs]) for m in metrics if m.needs in offered}
    if not scores:
        raise SubmissionError(f"no metric can be computed from a submission of {schema.values}")
    return scores


def _scored(metric: Metric, targets: NDArray[Any], values: Floats) -> float:
    try:
        return float(metric.score(targets, values, None, None))
    except (HarnessError, KeyboardInterrupt):
        raise
    except Exception as error:  # what it raised is chained, and the command ends as with any fault of a program
        raise MetricFailedError(f"metric {metric.name!r} failed: {type(error).__name__}: {error}") from error


def decide(values: Floats, info: DatasetInfo) -> Floats:
    """Decide without thresholds: (n, k) probabilities -> (n, k) in {0, 1}."""
    import numpy as np

    if not info.task_type.single_label:
        return (values >= 0.5).astype(np.float64)
    decided: Floats = np.eye(values.shape[1])[values.argmax(axis=1)]
    return decided


def _values(schema: SubmissionSchema, frame: pd.DataFrame, info: DatasetInfo) -> Floats:
    import numpy as np

    if schema.values == "labels":
        (column,) = schema.columns
        codes = _codes(frame[column].astype("str"), schema, info, Path("submission"))
        decided: Floats = np.eye(len(info.classes))[codes] if info.task_type.single_label else codes.astype(np.float64)
        return decided
    by_output = {output: numbers(frame[column])[0] for column, output in schema.columns.items()}
    missing = [output for output in info.outputs if output not in by_output]
    if len(missing) == 1 and info.task_type.single_label:
        by_output[missing[0]] = 1.0 - np.sum(list(by_output.values()), axis=0)
    elif missing:
        raise SubmissionError(f"the submission has no column for {listed(missing)}, so it cannot be graded")
    values = np.column_stack([by_output[output] for output in info.outputs])
    if info.task_type.single_label and schema.values == "probabilities":
        values = values / values.sum(axis=1, keepdims=True)
    return values
