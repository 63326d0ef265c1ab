"""What is proposed for tables that nobody has described, and what is refused with the option that decides."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from harness_imbalance.proposing.propose import propose

from harness.data import TaskType
from harness.errors import HarnessError
from harness.proposal import Given, Proposal

TRAIN = "id,size,kind,y\n" + "".join(f"{n:03d},{n % 7}.5,{'ab'[n % 2]},{'no' if n % 3 else 'yes'}\n" for n in range(30))
TEST = "id,size,kind\n" + "".join(f"{name},1.5,a\n" for name in ("1e5", "007", "ü"))
SAMPLE = "id,y\n1e5,0.5\n007,0.5\nü,0.5\n"


def proposal(
    folder: Path, train: str = TRAIN, test: str | None = TEST, sample: str | None = SAMPLE, **given: Any
) -> Proposal:
    paths = {}
    for name, text in {"train": train, "test": test, "sample": sample}.items():
        if text is not None:
            paths[name] = folder / f"{name}.csv"
            paths[name].write_bytes(text.encode())
    (found,) = propose(Given(**paths, **given))
    return found


def values(found: Proposal) -> dict[str, Any]:
    return {name: chosen.value for name, chosen in found.params.items() if chosen.used}


def refusal(folder: Path, *texts: str | None, **given: Any) -> str:
    with pytest.raises(HarnessError) as raised:
        proposal(folder, *texts, **given)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_roles_of_a_plain_table(tmp_path):
    found = proposal(tmp_path)
    assert values(found) == {
        "target": "y",
        "id": "id",
        "positive": "yes",
        "train": "train.csv",
        "test": "test.csv",
        "sample_submission": "sample.csv",
    }
    assert found.task.value is TaskType.BINARY
    assert found.path == tmp_path
    assert found.about == "a table of 30 rows and 2 input columns"
    assert [one.name for one in found.strategies] == ["catboost", "random-forest", "logistic-regression"]


def test_a_byte_order_mark_line_ends_and_semicolons_change_nothing(tmp_path):
    def foreign(text: str) -> str:
        return "\ufeff" + text.replace(",", ";").replace("\n", "\r\n")

    found = values(proposal(tmp_path, foreign(TRAIN), foreign(TEST), foreign(SAMPLE)))
    assert found.pop("separator") == ";"
    assert found == values(proposal(tmp_path))


def test_parquet_is_read_as_csv_is(tmp_path):
    for name, text in {"train": TRAIN, "test": TEST}.items():
        columns = pd.read_csv(io.StringIO(text), dtype={"id": str})
        columns.to_parquet(tmp_path / f"{name}.parquet")
    (found,) = propose(Given(tmp_path / "train.parquet", tmp_path / "test.parquet"))
    assert values(found) == {
        "target": "y",
        "id": "id",
        "positive": "yes",
        "train": "train.parquet",
        "test": "test.parquet",
    }


def test_files_of_several_folders_are_named_from_what_holds_them_all(tmp_path):
    for name, text in {"a[1]/train.csv": TRAIN, "b/test.csv": TEST}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    (found,) = propose(Given(tmp_path / "a[1]/train.csv", tmp_path / "b/test.csv"))
    assert found.path == tmp_path
    assert [path.name for path in tmp_path.glob(found.params["train"].value)] == ["train.csv"]


@pytest.mark.parametrize(
    ("targets", "task"),
    [
        (["a", "b", "c"], TaskType.MULTICLASS),
        (["0", "1"], TaskType.BINARY),
        (["1", "2", "3"], TaskType.MULTICLASS),
        ([f"{n}.25" for n in range(25)], TaskType.REGRESSION),
        ([str(n) for n in range(25)], TaskType.REGRESSION),
    ],
)
def test_the_task_follows_from_the_targets(tmp_path, targets, task):
    rows = "".join(f"{n},{n * n % 11}.5,{targets[n % len(targets)]}\n" for n in range(50))
    found = proposal(tmp_path, "id,x,y\n" + rows, "id,x\na,1.5\n", None)
    assert found.task.value is task
    assert ("positive" in found.params) == (task is TaskType.BINARY)
    assert ("ridge" in {one.name for one in found.strategies}) == (task is TaskType.REGRESSION)


def test_numbers_are_amounts_where_the_sample_asks_for_fractions(tmp_path):
    train = "id,x,y\n" + "".join(f"{n},{n * n % 11}.5,{n % 4}\n" for n in range(50))
    assert proposal(tmp_path, train, "id,x\na,1.5\n", "id,y\na,2.5\n").task.value is TaskType.REGRESSION
    assert proposal(tmp_path, train, "id,x\na,1.5\n", "id,y\na,0\n").task.value is TaskType.MULTICLASS


def test_numbers_that_may_be_classes_or_amounts_are_asked_about(tmp_path):
    train = "id,x,y\n" + "".join(f"{n},{n * n % 11}.5,{n % 5 * 10}\n" for n in range(50))
    assert "--task multiclass, or --task regression" in refusal(tmp_path, train, "id,x\na,1.5\n", None)
    found = proposal(tmp_path, train, "id,x\na,1.5\n", None, task=TaskType.REGRESSION)
    assert (found.task.value, found.task.why) == (TaskType.REGRESSION, "as --task says; 5 different values")


def test_several_candidates_need_target(tmp_path):
    train = TRAIN.replace("\n", ",9\n").replace("y,9", "y,z", 1)
    told = refusal(tmp_path, train, TEST, None)
    assert "2 columns of train.csv are not in test.csv: y, z" in told
    assert "--target NAME" in told
    assert values(proposal(tmp_path, train, TEST, None, target="y"))["drop"] == ["z"]
    asked = proposal(tmp_path, train)
    assert (asked.params["target"].value, asked.params["target"].why) == ("y", "sample.csv asks for it")
    assert asked.params["drop"].why == "z: not in test.csv"


def test_without_a_test_file_the_target_has_a_usual_name_or_is_named(tmp_path):
    assert proposal(tmp_path, TRAIN, None, None).params["target"].why == "by its name, as there is no test file"
    told = refusal(tmp_path, TRAIN.replace(",y\n", ",answer\n"), None, None)
    assert "--target NAME; columns: id, size, kind, answer" in told


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("id,x,y\n",), "train.csv has a header but no rows"),
        (("",), "train.csv is empty"),
        (("just one column\n1\n",), "header of one column"),
        ((TRAIN, "id,size,kind\n"), "test.csv has a header but no rows"),
        ((TRAIN, TEST, "id,y\n"), "sample.csv has a header but no rows"),
        ((TRAIN, TRAIN, None), "every column of train.csv is in test.csv, too"),
        ((TRAIN, TEST.replace("kind", "sort"), None), "2 columns of train.csv are not in test.csv: kind, y"),
        ((TRAIN.replace("001,", "000,"), TEST), "1 ids of column 'id' repeat: 000"),
        ((TRAIN, TEST.replace("007", "1e5"), None), "test.csv: 1 ids of column 'id' repeat: 1e5"),
        ((TRAIN, TEST, SAMPLE.replace("1e5", "100000")), "only in sample.csv (100000), 1 only in test.csv (1e5)"),
        ((TRAIN, TEST, SAMPLE + "007,0.5\n"), "1 ids of column 'id' repeat"),
        ((TRAIN, TEST, SAMPLE.replace(",", ";")), "sample.csv is separated by ';', train.csv by ','"),
        ((TRAIN.replace("yes", "no"),), "has a single value, 'no'"),
    ],
)
def test_odd_files_are_refused_in_one_line(tmp_path, texts, told):
    assert told in refusal(tmp_path, *texts)


def test_decimal_commas_are_told(tmp_path):
    train = "id;x;y\n" + "".join(f"{n};{n % 7},5;{'no' if n % 3 else 'yes'}\n" for n in range(20))
    assert "decimal comma ('0,5')" in refusal(tmp_path, train, "id;x\na;1,5\n", None)


def test_a_column_that_is_in_the_test_file_only_is_told(tmp_path):
    assert "test.csv has columns that train.csv lacks: more" in refusal(
        tmp_path, TRAIN, "id,size,kind,more\na,1.5,a,1\n", None
    )


def test_options_override_and_are_checked(tmp_path):
    assert "id" not in values(proposal(tmp_path, TRAIN, TEST, None, id="none"))
    assert "did you mean 'kind'?" in refusal(tmp_path, target="kinf")
    assert "--id 'size2'" in refusal(tmp_path, id="size2")
    assert "--group 'king'" in refusal(tmp_path, group="king")
    train = TRAIN.replace("kind,", "kind,more,").replace("a,", "a,1,").replace("b,", "b,1,")
    test = TEST.replace("kind", "kind,more").replace(",a", ",a,2")
    found = values(proposal(tmp_path, train, test, group="kind", time="size"))
    assert (found["group"], found["time"]) == ("kind", "size")


def test_groups_that_train_and_test_do_not_share_are_found(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": [f"r{n}" for n in range(90)], "x": rng.normal(size=90), "patient": np.arange(90) // 6})
    frame["y"] = rng.normal(size=90)
    train, test = frame[:60], frame[60:].drop(columns="y")
    found = proposal(tmp_path, train.to_csv(index=False), test.to_csv(index=False), None)
    assert found.params["group"].value == "patient"
    assert "100% of the test rows have a value that no training row has" in found.params["group"].why
    mixed = frame.assign(patient=np.arange(90) % 15)
    found = proposal(tmp_path, mixed[:60].to_csv(index=False), mixed[60:].drop(columns="y").to_csv(index=False), None)
    assert "group" not in found.params


def test_later_test_rows_make_a_column_of_times(tmp_path):
    days = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d")
    frame = pd.DataFrame({"id": range(60), "day": days, "other": days[::-1], "x": 0.5, "y": np.arange(60) / 7})
    train, test = frame[:40], frame[40:].drop(columns="y")
    found = proposal(tmp_path, train.to_csv(index=False), test.to_csv(index=False), None)
    assert found.params["time"].value == "day"
    assert found.params["time"].why == "100% of the test rows are later than all training rows"
    assert found.params["drop"].value == ["other"]


def test_a_column_that_numbers_the_rows_is_left_out(tmp_path):
    lines = TRAIN.splitlines()
    train = "\n".join([f",{lines[0]}", *(f"{n},{line}" for n, line in enumerate(lines[1:]))])
    test = "\n".join(f"{n or ''},{line}" for n, line in enumerate(TEST.splitlines()))
    assert proposal(tmp_path, train, test, None).params["drop"].why == "Unnamed: 0: it only numbers the rows"


def test_texts_are_told_from_categories(tmp_path):
    frame = pd.DataFrame(
        {
            "id": range(40),
            "city": ["New York City Hall", "San Jose by the bay"] * 20,
            "story": [f"once upon a time number {n}" for n in range(40)],
            "y": ["a", "b"] * 20,
        }
    )
    found = proposal(tmp_path, frame.to_csv(index=False), frame.drop(columns="y").to_csv(index=False), None)
    assert found.params["text"].value == ["story"]
    assert found.params["text"].why == "story: texts of 6 words on average"


def test_folders_and_other_files_are_not_answered(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    assert list(propose(Given(tmp_path))) == []
    assert list(propose(Given(tmp_path / "a.wav"))) == []
