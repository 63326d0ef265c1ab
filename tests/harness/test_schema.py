"""What a sample file says about a submission, case by case."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from harness.competition import SubmissionSchema
from harness.data import DatasetInfo, TaskType
from harness.errors import ConfigError
from harness.schema import derive_schema, schema_of
from harness.submission_file import read_submission

B, C, L, R = TaskType.BINARY, TaskType.MULTICLASS, TaskType.MULTILABEL, TaskType.REGRESSION


def sample(**columns: str) -> pd.DataFrame:
    return pd.DataFrame({name: cells.split("|") for name, cells in columns.items()}, dtype="str")


@pytest.mark.parametrize(
    ("task", "classes", "file", "values", "columns"),
    [
        (R, (), sample(id="1", pm2_5="0.0"), "point", {"pm2_5": "point"}),
        (C, ("b", "a"), sample(row_id="1", a="1", b="0"), "probabilities", {"a": "a", "b": "b"}),
        (
            C,
            ("0", "1"),
            sample(ID="x", target_0="1", target_1="0"),
            "probabilities",
            {"target_0": "0", "target_1": "1"},
        ),
        (
            C,
            ("1", "2"),
            sample(ID="x", target_0="1", target_1="0"),
            "probabilities",
            {"target_0": "1", "target_1": "2"},
        ),
        # a suffix that is a class beats the position
        (
            C,
            ("1", "0"),
            sample(ID="x", target_0="1", target_1="0"),
            "probabilities",
            {"target_0": "0", "target_1": "1"},
        ),
        (C, ("cow", "cat"), sample(ID="x", p_cat="1", p_cow="0"), "probabilities", {"p_cat": "cat", "p_cow": "cow"}),
        (B, ("no", "yes"), sample(id="x", yes="0"), "probabilities", {"yes": "yes"}),
        (B, ("no", "yes"), sample(id="x", no="0"), "probabilities", {"no": "no"}),
        (B, ("no", "yes"), sample(id="x|y", yes="no|yes"), "labels", {"yes": "label"}),
        (B, ("no", "yes"), sample(id="x", target="0.5"), "probabilities", {"target": "yes"}),
        (B, ("0", "1"), sample(id="x|y", target="0.5|0.5"), "probabilities", {"target": "1"}),
        (B, ("no", "yes"), sample(id="x", target="no"), "labels", {"target": "label"}),
        (C, ("0", "1", "2"), sample(id="x", target="0"), "labels", {"target": "label"}),
        (L, ("a", "b"), sample(id="x", a="0", b="0"), "probabilities", {"a": "a", "b": "b"}),
        (L, ("a", "b"), sample(id="x|y", birds="a b|b"), "labels", {"birds": "label"}),
    ],
)
def test_what_a_sample_file_says(
    task: TaskType, classes: tuple[str, ...], file: pd.DataFrame, values: str, columns: dict[str, str]
) -> None:
    schema = derive_schema(file, classes, task)
    assert (schema.id, schema.values) == (file.columns[0], values)
    assert list(schema.columns.items()) == list(columns.items())


def test_a_word_that_is_no_class_stands_for_nothing() -> None:
    schema = derive_schema(sample(row_id="x|y", birds="nocall|nocall"), ("a", "b"), L)
    assert (schema.values, schema.nothing) == ("labels", "nocall")


@pytest.mark.parametrize(
    ("task", "classes", "file", "told"),
    [
        (R, (), sample(id="1"), "it has the one column 'id', expected an id column"),
        (R, (), sample(id="1", a="1", b="1"), "value columns a, b, expected one"),
        (B, ("0", "1"), sample(id="x|y", target="0|1"), "0, 1 in the column 'target' may be labels or probabilities"),
        (B, ("no", "yes"), sample(id="x", target="maybe"), "holds maybe, expected one of the classes no, yes"),
        (C, ("a", "b", "c"), sample(id="x", target="0.3"), "holds 0.3, expected one of the classes a, b, c"),
        (C, ("a", "b", "c"), sample(id="x", a="1", b="1", d="1"), r"3 classes \(without a column: c\)"),
        (C, ("x", "y"), sample(id="x", target_1="1", target_2="1"), "do not match the 2 classes"),
        (L, ("a", "b"), sample(id="x|y", birds="none|nocall"), "words nocall, none of the column 'birds'"),
    ],
)
def test_what_cannot_be_decided_is_told_in_one_line(
    task: TaskType, classes: tuple[str, ...], file: pd.DataFrame, told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        derive_schema(file, classes, task)
    assert "[submission] in competition.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def of(schema: SubmissionSchema | None, file: pd.DataFrame | None, info: DatasetInfo) -> SubmissionSchema:
    competition: Any = SimpleNamespace(id="comp", submission=schema)
    dataset: Any = SimpleNamespace(info=info, sample_submission=file)
    return schema_of(competition, dataset)


BINARY = DatasetInfo("d", B, ("no", "yes"))
POINTS = DatasetInfo("d", R)


def test_toml_before_sample_before_the_plain_default() -> None:
    told = SubmissionSchema("row_id", {"no": "no", "yes": "yes"}, "probabilities")
    assert of(told, None, BINARY) is told
    assert of(told, sample(row_id="x", yes="1", no="0"), BINARY) is told
    assert dict(of(None, sample(key="x", yes="1"), BINARY).columns) == {"yes": "yes"}
    assert of(None, None, BINARY) == SubmissionSchema("id", {"no": "no", "yes": "yes"}, "probabilities")
    assert of(None, None, POINTS) == SubmissionSchema("id", {"point": "point"}, "point")


def test_a_column_listed_by_name_alone_holds_the_only_thing_it_can() -> None:
    assert dict(of(SubmissionSchema("id", {"pm2_5": "pm2_5"}, "point"), None, POINTS).columns) == {"pm2_5": "point"}
    assert dict(of(SubmissionSchema("id", {"y": "y"}, "labels"), None, BINARY).columns) == {"y": "label"}


def test_a_toml_schema_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="sample file has ID, yes; make them the same"):
        of(SubmissionSchema("id", {"yes": "yes"}, "probabilities"), sample(ID="x", yes="1"), BINARY)
    with pytest.raises(ConfigError, match="'yess', which is no output of binary probabilities; did you mean 'yes'"):
        of(SubmissionSchema("id", {"a": "yess"}, "probabilities"), None, BINARY)


@pytest.mark.skipif("HARNESS_REAL_DATA" not in os.environ, reason="HARNESS_REAL_DATA names no folder of real data")
def test_the_sample_files_of_real_competitions() -> None:
    real_data = Path(os.environ["HARNESS_REAL_DATA"])

    def derived(path: str, classes: tuple[str, ...], task: TaskType) -> SubmissionSchema:
        return derive_schema(read_submission(real_data / path).frame, classes, task)

    assert derived("birdclef-2021/sample_submission.csv", ("koel", "rook"), L).nothing == "nocall"
    protein = derived("protein/kinase_domain_ec8/SampleSubmission.csv", tuple("01234567"), C)
    assert protein.columns["target_7"] == "7"
    assert derived("air-quality/african-cities/SampleSubmission.csv", (), R).columns == {"pm2_5": "point"}
