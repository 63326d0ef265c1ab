"""Every problem of a submission is one line that names rows or columns."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.competition import SubmissionSchema
from harness.data import DatasetInfo, Submission, TaskType
from harness.submission_check import check, numbers, warnings_of

IDS = ["007", "b", "c"]
SCHEMA = SubmissionSchema("id", {"n": "n", "y": "y"}, "probabilities")
INFO = DatasetInfo("d", TaskType.BINARY, ("n", "y"))
MANY = DatasetInfo("d", TaskType.MULTILABEL, ("n", "y"))


def table(**changed: Any) -> dict[str, Any]:
    return {"id": list(IDS), "n": [0.5, 0.25, 1.0], "y": [0.5, 0.75, 0.0], **changed}


def problems(
    columns: dict[str, Any], schema: SubmissionSchema = SCHEMA, info: DatasetInfo = INFO, as_text: bool = False
) -> list[str]:
    frame = pd.DataFrame(columns)
    return check(schema, Submission(frame.astype("str") if as_text else frame), IDS, info)


@pytest.mark.parametrize("as_text", [False, True], ids=["as made", "as read"])
def test_a_valid_submission_has_no_problems(as_text: bool) -> None:
    assert problems(table(), as_text=as_text) == []
    assert problems({name: cells[::-1] for name, cells in table().items()}, as_text=as_text) == []


@pytest.mark.fault("F-23", "F-29")
@pytest.mark.parametrize("as_text", [False, True], ids=["as made", "as read"])
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"id": ["007", "b", "b"]}, ["1 duplicate id: 'b'", "1 id missing: 'c'"]),
        ({"id": ["7", "b", "c"]}, ["1 id missing: '007'", "1 unexpected id: '7'"]),
        ({"n": [np.inf, 0.25, 1.0]}, ["column 'n': 1 cell infinite: 007='inf'"]),
        (
            {"n": [-0.5, 0.25, 1.0], "y": [1.5, 0.75, 0.0]},
            ["column 'n': 1 cell outside [0, 1]: 007='-0.5'", "column 'y': 1 cell outside [0, 1]: 007='1.5'"],
        ),
        (
            {"n": [0.5, 0.25, 0.9]},
            ["1 row whose probabilities do not sum to 1 (within 0.001): c=0.9"],
        ),
    ],
)
def test_each_problem_is_one_line(changed: dict[str, Any], told: list[str], as_text: bool) -> None:
    assert problems(table(**changed), as_text=as_text) == told


@pytest.mark.fault("F-29")
def test_nan_and_text_in_a_number_column() -> None:
    assert problems(table(n=[0.5, np.nan, 1.0])) == ["column 'n': 1 cell empty or NaN: b='nan'"]
    assert problems(table(n=["0.5", "", "1.0"])) == ["column 'n': 1 cell empty or NaN: b=''"]
    assert problems(table(n=["0.5", "NA", "1.0"])) == ["column 'n': 1 cell empty or NaN: b='NA'"]
    assert problems(table(n=["0,5", "0.25", "high"])) == ["column 'n': 2 cells no number: 007='0,5', c='high'"]
    assert problems(table(n=[" 0.5", "0.25 ", "1.0"])) == []


@pytest.mark.fault("F-24")
def test_columns_missing_extra_and_reordered() -> None:
    assert problems({"id": IDS, "N": [0.5] * 3, "y": [0.5] * 3}) == [
        "missing 1 column: n; did you mean 'N'?",
        "unexpected 1 column: N; expected id, n, y",
    ]
    assert problems({"y": [0.5, 0.75, 0.0], "id": IDS, "n": [0.5, 0.25, 1.0]}) == [
        "columns in another order: found y, id, n; expected id, n, y"
    ]
    assert problems({"Id": IDS, "n": [0.5] * 3, "y": [0.5] * 3})[0] == "missing 1 column: id; did you mean 'Id'?"


def test_a_thousand_wrong_rows_are_counted_and_few_are_shown() -> None:
    ids = [f"r{i}" for i in range(5000)]
    frame = pd.DataFrame({"id": ids, "n": [2.0] * 5000, "y": [-1.0] * 5000})
    found = check(SCHEMA, Submission(frame), IDS, INFO)
    assert found[0] == "3 ids missing: '007', 'b', 'c'"
    assert found[1] == "5,000 unexpected ids: 'r0', 'r1', 'r2', 'r3', 'r4' and 4995 more"
    assert found[2] == "column 'n': 5,000 cells outside [0, 1]: r0='2.0', r1='2.0', r2='2.0' ..."
    assert all(len(problem) < 200 for problem in found)


@pytest.mark.fault("F-29")
def test_sums_are_asked_only_of_tasks_with_one_class_a_row_and_of_all_classes() -> None:
    assert problems(table(n=[1.0, 1.0, 1.0]), info=MANY) == []
    assert problems({"id": IDS, "y": [0.5, 0.1, 0.2]}, SubmissionSchema("id", {"y": "y"}, "probabilities")) == []
    assert problems(table(n=[0.5009, 0.25, 1.0])) == []
    assert len(problems(table(n=[0.5011, 0.25, 1.0]))) == 1


def test_points_have_the_schemas_own_range() -> None:
    info = DatasetInfo("d", TaskType.REGRESSION)
    free = SubmissionSchema("id", {"pm": "point"}, "point")
    low = SubmissionSchema("id", {"pm": "point"}, "point", low=0)
    assert problems({"id": IDS, "pm": [-1.0, 0.0, 1e9]}, free, info) == []
    assert problems({"id": IDS, "pm": [-1.0, 0.0, 1e9]}, low, info) == [
        "column 'pm': 1 cell outside [0, inf]: 007='-1.0'"
    ]


def test_labels_must_be_classes() -> None:
    schema = SubmissionSchema("id", {"a": "label"}, "labels")
    assert problems({"id": IDS, "a": ["n", "y", "y"]}, schema) == []
    assert problems({"id": IDS, "a": ["n", "Y", ""]}, schema) == [
        "column 'a': 2 cells not in the classes: b='Y', c=''; did you mean 'y'?"
    ]
    assert len(problems({"id": IDS, "a": ["n", "n y", "y"]}, schema)) == 1
    assert problems({"id": IDS, "a": ["n", "n y", ""]}, schema, MANY) == []
    worded = SubmissionSchema("id", {"a": "label"}, "labels", nothing="nocall")
    assert problems({"id": IDS, "a": ["nocall", "n y", "y"]}, worded, MANY) == []
    assert len(problems({"id": IDS, "a": ["nocall n", "", "y"]}, worded, MANY)) == 1


def test_decisions_are_zero_or_one() -> None:
    schema = SubmissionSchema("id", {"n": "n", "y": "y"}, "decisions")
    assert problems({"id": IDS, "n": [0, 1, 1], "y": [1, 0, 0]}, schema) == []
    assert problems({"id": IDS, "n": [0, 1, 0.5], "y": [0, 0, 0]}, schema, MANY) == [
        "column 'n': 1 cell neither 0 nor 1: c='0.5'"
    ]
    assert problems({"id": IDS, "n": [0, 1, 1], "y": [0, 0, 0]}, schema) == [
        "1 row whose decisions do not sum to 1 (within 0.001): 007=0"
    ]


@pytest.mark.fault("F-45")
def test_formulas_are_a_warning_and_no_problem() -> None:
    columns = table(id=["=1+1", "b", "c"])
    submission = Submission(pd.DataFrame(columns))
    assert check(SCHEMA, submission, ["=1+1", "b", "c"], INFO) == []
    (warning,) = warnings_of(SCHEMA, submission)
    assert "=1+1" in warning
    assert warnings_of(SCHEMA, Submission(pd.DataFrame(table()))) == []


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "Float64", "bool", "object", "str"])
def test_numbers_of_any_dtype(dtype: str) -> None:
    column = pd.Series(["1", "0"] if dtype == "str" else [1, 0], dtype=dtype)
    values, bad = numbers(column)
    assert values.dtype == np.float64
    assert values.tolist() == [1.0, 0.0]
    assert not bad.any()


@pytest.mark.parametrize("cells", [[True, False, True], ["True", "False", "true"], ["1", "0", "1"]], ids=str)
def test_decisions_may_be_written_as_true_and_false(cells: list[Any]) -> None:
    schema = SubmissionSchema("id", {"target": "target"}, "decisions", per_class=True)
    assert check(schema, Submission(pd.DataFrame({"id": IDS, "target": cells})), IDS, MANY) == []


def test_other_words_are_no_decisions() -> None:
    schema = SubmissionSchema("id", {"target": "target"}, "decisions", per_class=True)
    found = check(schema, Submission(pd.DataFrame({"id": IDS, "target": ["True", "yes", "2"]})), IDS, MANY)
    assert found == [
        "column 'target': 1 cell no number: b='yes'",
        "column 'target': 1 cell outside [0, 1]: c='2'",
    ]
