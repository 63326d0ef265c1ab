"""Truth files in each of their forms, and scores joined by id."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.builtin.metrics import harness_metrics
from harness.competition import SubmissionSchema
from harness.data import DatasetInfo, Submission, TaskType
from harness.errors import DataError, SubmissionError
from harness.grading import read_truth, score_submission

METRICS = {metric.name: metric for metric in harness_metrics()}
SCHEMA = SubmissionSchema("id", {"p_y": "y", "p_n": "n"}, "probabilities")
INFO = DatasetInfo("d", TaskType.BINARY, ("n", "y"))
MANY = DatasetInfo("d", TaskType.MULTILABEL, ("n", "y"))
POINTS = DatasetInfo("d", TaskType.REGRESSION)


def targets(
    tmp_path: Path, text: str, info: DatasetInfo = INFO, schema: SubmissionSchema = SCHEMA
) -> dict[str, object]:
    (tmp_path / "truth.csv").write_text(text)
    truth = read_truth(tmp_path / "truth.csv", schema, info)
    return dict(zip(truth.ids.tolist(), truth.targets.tolist(), strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "id,answer\na,y\nb,n\n",
        "key,answer\na,y\nb,n\n",
        "id,p_n,p_y\na,0,1\nb,1,0\n",
        "id,n,y\na,0.2,0.8\nb,1,0\n",
        "id,answer\na,1\nb,0\n",
        "id,answer\na,1.0\nb,0.0\n",
        "id,answer,Usage\na,y,Public\nb,n,Private\n",
        "id,place,label\na,x,y\nb,x,n\n",
    ],
)
def test_the_forms_of_a_truth_file(tmp_path: Path, text: str) -> None:
    assert targets(tmp_path, text) == {"a": 1, "b": 0}


def test_several_labels_and_numbers(tmp_path: Path) -> None:
    words = SubmissionSchema("id", {"birds": "label"}, "labels", nothing="nocall")
    assert targets(tmp_path, "id,birds\na,n y\nb,nocall\nc,y\n", MANY, words) == {"a": [1, 1], "b": [0, 0], "c": [0, 1]}
    assert targets(tmp_path, "id,n,y\na,1,1\nb,0,0\n", MANY) == {"a": [1, 1], "b": [0, 0]}
    assert targets(tmp_path, "id,pm\n007,2.5\n", POINTS) == {"007": 2.5}


@pytest.mark.parametrize(
    ("text", "info", "told"),
    [
        ("id,answer\na,y\na,n\n", INFO, "1 duplicate ids: a"),
        ("id,answer\na,maybe\n", INFO, "column 'answer' holds maybe; expected the classes n, y"),
        ("id,p,q\na,1,2\n", INFO, "has the columns p, q; expected one of answers"),
        ("id,n,y\na,1,0\nb,,1\n", INFO, "1 rows without a number in n, y: lines 3"),
        ("id,pm\na,high\n", POINTS, "1 rows without a number in pm: lines 2"),
        ("id,birds\na,n x\n", MANY, "line 2 has x; expected the classes n, y"),
        ("", INFO, "truth file: .* is empty"),
    ],
)
def test_a_truth_file_that_cannot_be_used(tmp_path: Path, text: str, info: DatasetInfo, told: str) -> None:
    with pytest.raises(DataError, match=told):
        targets(tmp_path, text, info)


def scored(
    tmp_path: Path,
    truth: str,
    columns: dict[str, list[object]],
    schema: SubmissionSchema,
    info: DatasetInfo,
    *names: str,
) -> dict[str, float]:
    (tmp_path / "truth.csv").write_text(truth)
    answers = read_truth(tmp_path / "truth.csv", schema, info)
    return score_submission([METRICS[name] for name in names], schema, Submission(pd.DataFrame(columns)), answers, info)


def test_probabilities_are_joined_by_id_and_put_into_class_order(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {"id": ["b", "a"], "p_y": ["0.25", "0.9"], "p_n": ["0.75", "0.1"]}
    found = scored(tmp_path, "id,t\na,y\nb,n\n", columns, SCHEMA, INFO, "log_loss", "accuracy")
    assert found == {"log_loss": pytest.approx(-(math.log(0.9) + math.log(0.75)) / 2), "accuracy": 1.0}


def test_one_column_tells_the_other_class_too(tmp_path: Path) -> None:
    schema = SubmissionSchema("id", {"p": "y"}, "probabilities")
    columns: dict[str, list[object]] = {"id": ["a", "b"], "p": [0.9, 0.4]}
    found = scored(tmp_path, "id,t\na,y\nb,n\n", columns, schema, INFO, "log_loss")
    assert found["log_loss"] == pytest.approx(-(math.log(0.9) + math.log(0.6)) / 2)


def test_labels_score_decisions_only(tmp_path: Path) -> None:
    schema = SubmissionSchema("id", {"t": "label"}, "labels")
    columns: dict[str, list[object]] = {"id": ["a", "b"], "t": ["y", "y"]}
    found = scored(tmp_path, "id,t\na,y\nb,n\n", columns, schema, INFO, "log_loss", "accuracy")
    assert found == {"accuracy": 0.5}
    with pytest.raises(SubmissionError, match="no metric can be computed from a submission of labels"):
        scored(tmp_path, "id,t\na,y\nb,n\n", columns, schema, INFO, "log_loss")


def test_points(tmp_path: Path) -> None:
    schema = SubmissionSchema("id", {"pm": "point"}, "point")
    columns: dict[str, list[object]] = {"id": ["b", "a"], "pm": [3.0, 1.0]}
    assert scored(tmp_path, "id,pm\na,2\nb,5\n", columns, schema, POINTS, "mae") == {"mae": 1.5}


def test_a_submission_that_is_not_valid_is_not_graded(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {"id": ["a", "z"], "p_y": [np.nan, 0.5], "p_n": [0.5, 0.5]}
    with pytest.raises(SubmissionError, match=r"cannot be graded: 1 id missing: 'b' \(and 2 more problems\)"):
        scored(tmp_path, "id,t\na,y\nb,n\n", columns, SCHEMA, INFO, "log_loss")
