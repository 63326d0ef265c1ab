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


def dated(form: str, start: str = "2021-01-01", rows: int = 90) -> pd.DataFrame:
    days = pd.date_range(start, periods=rows).strftime(form)
    rng = np.random.default_rng(0)
    return pd.DataFrame({"date": days, "x": rng.normal(size=rows), "y": rng.normal(size=rows)})


def of_frame(folder: Path, frame: pd.DataFrame, sample: bool = True, **given: Any) -> Proposal:
    test = frame[60:].drop(columns="y")
    texts = (frame[:60].to_csv(index=False), test.to_csv(index=False))
    return proposal(folder, *texts, test.iloc[:, :1].assign(y=0.5).to_csv(index=False) if sample else None, **given)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y", "%b %d, %Y"])
@pytest.mark.parametrize("asked", [{}, {"time": "date"}])
def test_the_id_may_be_the_time(tmp_path, form, asked):
    found = values(of_frame(tmp_path, dated(form), **asked))
    assert (found["id"], found["time"]) == ("date", "date")
    assert found.get("time_format") == (None if form.startswith("%Y") else form)
    assert "drop" not in found


def test_an_id_of_numbers_that_is_called_a_time_is_one_where_they_go_on(tmp_path):
    frame = dated("%Y%m%d")
    assert values(of_frame(tmp_path, frame))["time"] == "date"
    assert "time" not in values(of_frame(tmp_path, frame.rename(columns={"date": "number"})))


def test_id_none_is_refused_where_the_sample_asks_for_dates(tmp_path):
    frame = dated("%Y-%m-%d")
    texts = (frame[:60].to_csv(index=False), frame[60:].drop(columns="y").to_csv(index=False))
    told = refusal(tmp_path, *texts, frame[60:][["date", "y"]].to_csv(index=False), id="none", time="date")
    assert "its ids are column 'date' of test.csv, so that --id none does not fit; leave it out" in told


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%b %d, %Y", "%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M:%S"])
def test_dates_of_common_forms_are_read(tmp_path, form):
    frame = dated(form)
    frame.insert(0, "id", range(90))
    found = of_frame(tmp_path, frame)
    assert found.params["time"].value == "date"
    assert found.params["time"].why == "100% of the test rows are later than all training rows"
    if form.startswith("%Y"):
        assert "time_format" not in found.params
    else:
        assert found.params["time_format"].value == form
        assert "no other common form reads all of them" in found.params["time_format"].why


def test_dates_of_two_possible_forms_are_told_and_those_in_order_win(tmp_path):
    days = [
        f"{day:02d}/{month:02d}/{year}" for year in (2019, 2020, 2021) for day in range(1, 6) for month in range(1, 7)
    ]
    frame = dated("%Y").assign(date=days)  # in order only where the month stands first
    frame.insert(0, "id", range(90))
    found = of_frame(tmp_path, frame)
    assert found.params["time_format"].value == "%m/%d/%Y"
    assert "by it the training rows are in order; if it is wrong: %d/%m/%Y" in found.params["time_format"].why


def test_dates_that_are_left_out_are_told(tmp_path):
    frame = dated("%d/%m/%Y").sample(frac=1, random_state=0)
    frame.insert(0, "id", range(90))
    found = of_frame(tmp_path, frame)
    assert values(found)["drop"] == ["date"]
    assert found.notes[0].startswith("date: dates, left out; where rows to predict are later")
    assert of_frame(tmp_path, frame, time="date").params["time_format"].value == "%d/%m/%Y"


def test_a_time_that_is_none_is_refused(tmp_path):
    frame = dated("%d/%m/%Y").assign(date=["12/31/2020", "31/12/2020", "soon"] * 30)
    frame.insert(0, "id", range(90))
    assert "neither numbers nor dates of one form; write them as ISO 8601" in refusal_of(tmp_path, frame, time="date")


def refusal_of(folder: Path, frame: pd.DataFrame, **given: Any) -> str:
    with pytest.raises(HarnessError) as raised:
        of_frame(folder, frame, **given)
    return str(raised.value)


@pytest.mark.parametrize("given", [{}, {"target": "y"}])
def test_several_targets_are_no_task_of_a_table(tmp_path, given):
    train = TRAIN.replace("\n", ",9\n").replace("y,9", "y,z", 1)
    told = refusal(tmp_path, train, TEST, "id,y,z\n1e5,1,1\n", **given)
    assert "sample.csv asks for 2 columns of train.csv: y, z; a table with several targets is not supported by" in told
    assert "write a data source for it in a plugin.py beside a competition.toml" in told
    assert "for one of them: --target NAME, without --sample" in told
    assert "a table with several targets is not supported" in refusal(tmp_path, task=TaskType.MULTILABEL)


@pytest.mark.parametrize(("encoding", "named"), [("cp1252", "cp1252"), ("utf-8", None), ("utf-8-sig", None)])
def test_the_encoding_is_told(tmp_path, encoding, named):
    for name, text in {"train": TRAIN, "test": TEST, "sample": SAMPLE}.items():
        (tmp_path / f"{name}.csv").write_bytes(text.replace("ü", "ü€").encode(encoding))
    (found,) = propose(Given(*(tmp_path / f"{name}.csv" for name in ("train", "test", "sample"))))
    assert values(found).get("encoding") == named


def test_files_of_two_encodings_are_refused(tmp_path):
    for name, text in {"train": TRAIN, "test": TEST}.items():
        (tmp_path / f"{name}.csv").write_bytes(
            text.replace("001,", "ö,").encode("cp1252" if name == "test" else "utf-8")
        )
    with pytest.raises(HarnessError, match=r"train\.csv is UTF-8, another file is not; write them alike"):
        list(propose(Given(tmp_path / "train.csv", tmp_path / "test.csv")))


def test_bytes_that_are_no_windows_text_are_read_as_latin_1(tmp_path):
    for name, text in {"train": TRAIN, "test": TEST.replace("ü", "ü\x81")}.items():
        (tmp_path / f"{name}.csv").write_bytes(text.encode("latin-1"))
    (found,) = propose(Given(tmp_path / "train.csv", tmp_path / "test.csv"))
    assert values(found)["encoding"] == "latin-1"


@pytest.mark.parametrize("given", [{}, {"id": "Unnamed: 0"}])
def test_the_index_that_pandas_writes_may_be_the_id(tmp_path, given):
    frame = pd.DataFrame({"x": np.arange(90) / 7, "y": np.arange(90) / 3})
    test = frame[60:].drop(columns="y")
    found = proposal(
        tmp_path, frame[:60].to_csv(), test.to_csv(), test.assign(x=0).rename(columns={"x": "y"}).to_csv(), **given
    )
    assert found.params["id"].value == "Unnamed: 0"
    assert found.about == "a table of 60 rows and 1 input column"


def test_names_of_people_are_no_texts_and_no_categories(tmp_path):
    frame = dated("%Y").assign(date=[f"Mr. A{n} B{n} C{n}" for n in range(90)]).rename(columns={"date": "Name"})
    frame.insert(0, "id", range(90))
    found = of_frame(tmp_path, frame)
    assert "text" not in found.params
    assert found.params["drop"].value == ["Name"]
    assert "nearly every row has its own" in found.params["drop"].why
    assert values(of_frame(tmp_path, frame.drop(columns="x"))).get("drop") is None  # nothing else is left


def test_plain_columns_beside_texts_have_a_strategy_of_their_own(tmp_path):
    frame = dated("%Y").assign(date=[f"once upon a time number {n}" for n in range(90)])
    frame.insert(0, "id", range(90))
    names = [one.name for one in of_frame(tmp_path, frame).strategies]
    assert names == ["words-linear", "topics-boosting", "catboost"]
    assert [one.name for one in of_frame(tmp_path, frame.drop(columns="x")).strategies] == names[:2]


def test_ids_that_repeat_where_the_sample_asks_for_them_need_others(tmp_path):
    train = TRAIN.replace("001,", "000,")
    told = refusal(tmp_path, train)
    assert "each row needs an id of its own there: write one into all files" in told
    assert "--id none" not in told
    assert "--id none: rows are numbered" in refusal(tmp_path, train, TEST, None)
    assert "id" not in values(proposal(tmp_path, train, TEST, None, id="none"))
    numbered = refusal(tmp_path, train, TEST, "id,y\n0,1\n1,1\n2,1\n")
    assert "--id none: rows are numbered" in numbered
    assert "id" not in values(proposal(tmp_path, train, TEST, "id,y\n0,1\n1,1\n2,1\n", id="none"))


def test_folders_and_other_files_are_not_answered(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    assert list(propose(Given(tmp_path))) == []
    assert list(propose(Given(tmp_path / "a.wav"))) == []
