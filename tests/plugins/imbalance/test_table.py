from __future__ import annotations

import gzip
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from harness_imbalance.table import TableParams, load, read_new
from hypothesis import given
from hypothesis import strategies as st

from harness.data import Column, Dataset, TaskType
from harness.errors import ConfigError, DataError
from harness.offers import DataRequest

TRAIN = "row,age,job,code,label\n007,30,cook,1,yes\n1e5,,baker,2,no\nñ,41.5,,1,no\n9007199254740993,28,cook,10,no\n"
TEST = "row,job,age,code\nNA,cook,33,2\nb,pilot,,9\n"
PARAMS = TableParams(
    target="label", id="row", positive="yes", categorical=("code",), train="train.csv", test="test.csv"
)


def folder(tmp_path: Path, **texts: str) -> Path:
    for name, text in {"train": TRAIN, "test": TEST, **texts}.items():
        (tmp_path / f"{name}.csv").write_bytes(text.encode())
    return tmp_path


def request(path: Path | None, task: TaskType = TaskType.BINARY) -> DataRequest:
    return DataRequest("mini", task, "path", path, Path("nowhere"), Path("nowhere"))


def read(path: Path, params: TableParams = PARAMS, task: TaskType = TaskType.BINARY) -> Dataset:
    return load(params, request(path, task))


def refusal(path: Path, params: TableParams = PARAMS, task: TaskType = TaskType.BINARY) -> str:
    with pytest.raises((DataError, ConfigError)) as caught:
        read(path, params, task)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_table_is_read_with_its_types(tmp_path: Path) -> None:
    data = read(folder(tmp_path))
    assert data.info.classes == ("no", "yes")
    assert data.info.columns == (Column("age"), Column("job", "category"), Column("code", "category"))
    assert data.train.ids.tolist() == ["007", "1e5", "ñ", "9007199254740993"]
    assert data.train.targets is not None
    assert data.train.targets.tolist() == [1, 0, 0, 0]
    assert data.train.inputs["age"].dtype == np.float64
    assert data.train.inputs["job"].cat.categories.tolist() == ["baker", "cook"]
    assert data.train.inputs["code"].cat.categories.tolist() == ["1", "2", "10"]
    assert data.train.inputs["job"].isna().tolist() == [False, False, True, False]


def test_the_test_set_follows_the_training_rows(tmp_path: Path) -> None:
    test = read(folder(tmp_path)).test
    assert test is not None
    assert test.targets is None
    # an id is no missing value, and the order of columns is that of the training rows
    assert test.ids.tolist() == ["NA", "b"]
    assert test.inputs.columns.tolist() == ["age", "job", "code"]
    # a level that the training rows lack is missing
    assert test.inputs["job"].tolist()[0] == "cook"
    assert test.inputs["job"].isna().tolist() == [False, True]
    assert test.inputs["code"].isna().tolist() == [False, True]


@pytest.mark.fault("F-24")
def test_byte_order_mark_line_ends_and_compression_change_nothing(tmp_path: Path) -> None:
    plain = read(folder(tmp_path))
    other = tmp_path / "other"
    other.mkdir()
    (other / "train.csv.gz").write_bytes(gzip.compress(("\ufeff" + TRAIN).replace("\n", "\r\n").encode()))
    (other / "test.csv").write_bytes(("\ufeff" + TEST).replace("\n", "\r\n").encode())
    packed = read(other, replace(PARAMS, train="train.*"))
    pd.testing.assert_frame_equal(packed.train.inputs, plain.train.inputs)
    assert packed.train.ids.tolist() == plain.train.ids.tolist()
    assert packed.digest != plain.digest


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    plain = read(folder(tmp_path))
    frame = pd.read_csv(tmp_path / "train.csv", dtype={"row": str})
    frame.to_parquet(tmp_path / "train.parquet")
    other = read(tmp_path, replace(PARAMS, train="train.parquet"))
    pd.testing.assert_frame_equal(other.train.inputs, plain.train.inputs)
    assert other.train.ids.tolist() == plain.train.ids.tolist()
    np.testing.assert_array_equal(other.train.targets, plain.train.targets)


def test_flags_are_categories_however_they_are_written(tmp_path: Path) -> None:
    params = TableParams(target="y", test="test.csv", train="train.csv")
    path = folder(tmp_path, train="flag,y\nTrue,0\nFalse,1\n,1\n", test="flag\nTrue\nmaybe\n")
    data = read(path, params)
    assert data.info.columns == (Column("flag", "category"),)
    assert data.train.inputs["flag"].tolist()[:2] == ["True", "False"]
    assert data.test is not None
    assert data.test.inputs["flag"].isna().tolist() == [False, True]


def test_without_an_id_column_rows_are_numbered_apart(tmp_path: Path) -> None:
    params = TableParams(target="y", train="train.csv", test="test.csv", validation="valid.csv")
    table = "x,y\n1,a\n2,b\n"
    data = read(folder(tmp_path, train=table, valid=table, test="x\n5\n6\n"), params)
    assert data.valid is not None
    assert data.test is not None
    assert data.train.ids.tolist() == ["train-0", "train-1"]
    assert data.valid.ids.tolist() == ["valid-0", "valid-1"]
    assert data.test.ids.tolist() == ["0", "1"]


def test_truth_is_joined_by_id(tmp_path: Path) -> None:
    params = replace(PARAMS, validation="valid.csv", validation_truth="truth.csv")
    valid = "row,age,job,code\nv1,1,cook,1\nv2,2,cook,1\nv3,3,cook,1\n"
    path = folder(tmp_path, valid=valid, truth="row,label\nv3,yes\nv1,no\nv2,no\n")
    data = read(path, params)
    assert data.valid is not None
    assert data.valid.targets is not None
    assert data.valid.targets.tolist() == [0, 0, 1]
    folder(tmp_path, valid=valid, truth="row,label\nv3,yes\nv4,no\nv2,no\n")
    assert refusal(path, params) == (
        "truth.csv does not fit valid.csv: 1 ids without a label (v1), 1 labels without a row (v4)"
    )
    folder(tmp_path, valid=valid, truth="row,label\nv3,yes\nv3,no\nv2,no\n")
    assert "truth.csv has 1 duplicate ids: v3" in refusal(path, params)


def test_a_regression_has_numbers_and_no_classes(tmp_path: Path) -> None:
    params = TableParams(target="y", id="row", train="train.csv")
    path = folder(tmp_path, train="row,x,y\na,1,2.5\nb,2,-1e3\n")
    data = read(path, params, TaskType.REGRESSION)
    assert data.info.classes == ()
    assert data.train.targets is not None
    assert data.train.targets.tolist() == [2.5, -1000.0]
    folder(tmp_path, train="row,x,y\na,1,2.5\nb,2,inf\nc,3,much\n")
    assert "'y' is not a finite number ('inf') in 2 rows: b, c" in refusal(path, params, TaskType.REGRESSION)


def test_classes_come_in_their_declared_order(tmp_path: Path) -> None:
    train = "x,y\n1,low\n2,high\n3,mid\n4,None\n"
    path = folder(tmp_path, train=train)
    base = TableParams(target="y", train="train.csv")
    declared = replace(base, classes=("low", "mid", "high", "None"))
    assert read(path, declared, TaskType.MULTICLASS).info.classes == ("low", "mid", "high", "None")
    assert "'y' is missing in 1 rows: train-3" in refusal(path, base, TaskType.MULTICLASS)
    merged = replace(base, positive="high", rest="other", missing=(), classes=("None",))
    data = read(path, merged)
    assert data.info.classes == ("other", "high")
    assert data.train.targets is not None
    assert data.train.targets.tolist() == [0, 1, 0, 0]
    assert "name one as positive" in refusal(path, replace(base, classes=("None",)))


def test_meta_and_drop_are_no_inputs(tmp_path: Path) -> None:
    params = replace(PARAMS, meta=("job",), drop=("code",), categorical=())
    data = read(folder(tmp_path, test="row,age\nt1,3\n"), params)
    assert [column.name for column in data.info.columns] == ["age"]
    assert data.train.meta is not None
    assert data.train.meta["job"].tolist()[:2] == ["cook", "baker"]
    assert data.test is not None
    assert data.test.meta is not None
    assert data.test.meta["job"].isna().all()


@pytest.mark.fault("F-20", "F-21", "F-23", "F-24", "F-30")
@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ({"train": TRAIN.replace("label", "lable")}, "no column 'label' (target); did you mean 'lable'?"),
        ({"train": TRAIN.replace("code", "kode")}, "no column 'code' (categorical); did you mean 'kode'?"),
        ({"train": TRAIN.replace("baker,2,no", "baker,2,")}, "train.csv: 'label' is missing in 1 rows: 1e5"),
        ({"train": TRAIN.replace("1e5", "007")}, "train.csv has 1 duplicate ids: 007"),
        ({"train": TRAIN.replace("1e5", "")}, "1 rows have no id: rows 2 after the header"),
        ({"train": TRAIN.replace("yes", "no")}, "'label' has a single class (no)"),
        ({"train": "row,age,job,code,label\n"}, "has a header but no rows"),
        ({"train": ""}, "is empty; expected a header and rows"),
        ({"train": "row,age,age,code,label\n1,2,3,4,yes\n"}, "columns of the same name: age"),
        ({"train": TRAIN.replace("41.5", "inf")}, "train.csv: infinite values in age"),
        ({"train": TRAIN.replace("41.5,,1,no", "41.5,,1,no,more,more")}, "cannot be read"),
        ({"test": "row,jobs,age,code\na,cook,1,1\n"}, "missing job; extra jobs"),
        ({"test": "row,job,age,code\na,cook,old,1\n"}, "column 'age' holds numbers in the training data, but 'old'"),
    ],
)
def test_bad_tables_are_refused_in_one_line(tmp_path: Path, texts: dict[str, str], wanted: str) -> None:
    assert wanted in refusal(folder(tmp_path, **texts))


@pytest.mark.fault("F-25")
def test_unknown_labels_of_a_validation_set_are_named(tmp_path: Path) -> None:
    path = folder(tmp_path, valid="row,age,job,code,label\nv1,1,cook,1,maybe\n")
    message = refusal(path, replace(PARAMS, validation="valid.csv"))
    assert message.startswith("valid.csv: 'label' holds 'maybe', unknown to the training data, in rows v1")


def test_missing_files_are_named_with_what_is_there(tmp_path: Path) -> None:
    path = folder(tmp_path)
    assert "no file fits test = 'tset.csv'; did you mean 'test.csv'?" in refusal(path, replace(PARAMS, test="tset.csv"))
    assert "2 files fit train = '*.csv': test.csv, train.csv" in refusal(path, replace(PARAMS, train="*.csv"))
    assert "no such folder or file" in refusal(tmp_path / "absent")
    assert "expected a file name within" in refusal(path, replace(PARAMS, test="../test.csv"))
    with pytest.raises(DataError, match=r"ships no data: give a folder that holds train.csv, test.csv with --data"):
        load(PARAMS, request(None))


@pytest.mark.fault("F-30")
def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "cut.csv.gz").write_bytes(gzip.compress(TRAIN.encode() * 50)[:40])
    assert "is damaged or cut short" in refusal(path, replace(PARAMS, train="cut.csv.gz"))
    (path / "latin.csv").write_bytes(TRAIN.encode("latin-1"))
    assert "cannot be read" in refusal(path, replace(PARAMS, train="latin.csv"))
    (path / "bad.parquet").write_bytes(b"PAR1 no")
    assert "cannot be read" in refusal(path, replace(PARAMS, train="bad.parquet"))


@pytest.mark.fault("F-40")
def test_zips_hold_one_table_of_a_sane_size(tmp_path: Path) -> None:
    path = folder(tmp_path)
    with zipfile.ZipFile(path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.csv", TRAIN)
    assert read(path, replace(PARAMS, train="all.zip")).train.ids[0] == "007"
    with zipfile.ZipFile(path / "all.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("test.csv", TEST)
    assert "all.zip holds 2 files; unpack it and give the folder" in refusal(path / "all.zip")
    with zipfile.ZipFile(path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as file:
        for _ in range(120):
            file.write(b"0" * (1 << 20))
    assert re.search(r"would unpack to 125,829,120 bytes, \d+ times its size: refused", refusal(path / "bomb.zip"))


def test_a_single_file_is_training_data(tmp_path: Path) -> None:
    data = read(folder(tmp_path) / "train.csv")
    assert len(data.train) == 4
    assert data.test is None


def test_new_rows_are_read_like_the_training_rows(tmp_path: Path) -> None:
    path = folder(tmp_path)
    data = read(path)
    new = read_new(PARAMS, path / "train.csv", data.info)
    pd.testing.assert_frame_equal(new.inputs, data.train.inputs)
    assert new.targets is None
    assert new.ids.tolist() == data.train.ids.tolist()


def test_the_digest_follows_content_and_roles(tmp_path: Path) -> None:
    path = folder(tmp_path)
    first = read(path).digest
    assert read(path).digest == first
    assert read(path, replace(PARAMS, drop=("age",))).digest != first
    folder(path, test=TEST.replace("33", "34"))
    assert read(path).digest != first


ids = st.lists(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=8),
    min_size=2,
    max_size=6,
    unique=True,
)


@pytest.mark.fault("F-28")
@given(names=ids)
def test_any_id_survives(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("ids")
    frame = pd.DataFrame(
        {"row": names, "x": range(len(names)), "y": [0, 1] * (len(names) // 2) + [0] * (len(names) % 2)}
    )
    frame.to_csv(path / "train.csv", index=False)
    data = read(path, TableParams(target="y", id="row", train="train.csv"))
    assert data.train.ids.tolist() == names


def dated(tmp_path: Path, days: list[str], **params: str) -> tuple[Path, TableParams]:
    train = "day,x,y\n" + "".join(f'"{day}",{row},{row}.5\n' for row, day in enumerate(days))
    path = folder(tmp_path, train=train, test=train.replace(",y\n", ",z\n").replace("z\n", "w\n", 1))
    return path, TableParams(target="y", time="day", train="train.csv", **params)


def times(path: Path, params: TableParams) -> list[object]:
    meta = read(path, params, TaskType.REGRESSION).train.meta
    assert meta is not None
    return list(meta["day"])


def test_dates_of_the_time_column_are_read_in_the_form_that_is_declared(tmp_path: Path) -> None:
    path, params = dated(tmp_path, ["01/02/2024", "13/02/2024"], time_format="%d/%m/%Y")
    assert times(path, params) == [pd.Timestamp("2024-02-01"), pd.Timestamp("2024-02-13")]
    told = refusal(path, replace(params, time_format="%m/%d/%Y"), TaskType.REGRESSION)
    assert "time = 'day': '13/02/2024' is not of the form '%m/%d/%Y', in 1 rows" in told
    assert "time_format = '%d/%m/%Y' under [data.params]" in told


def test_dates_that_are_not_iso_name_the_parameter(tmp_path: Path) -> None:
    path, params = dated(tmp_path, ["Jan 01, 2024", "Feb 13, 2024"])
    told = refusal(path, params, TaskType.REGRESSION)
    assert "'Jan 01, 2024' is not an ISO 8601 date or a number" in told
    assert "time_format = '%b %d, %Y' under [data.params]" in told


@pytest.mark.parametrize(
    ("days", "form", "expected"),
    [
        (["2024-01-02", "2024-01-03"], "", ["2024-01-02", "2024-01-03"]),
        (["3/1/24", "4/1/24"], "%d/%m/%y", [pd.Timestamp("2024-01-03"), pd.Timestamp("2024-01-04")]),
        (["7", "8"], "", [7, 8]),
    ],
)
def test_the_time_may_be_the_id(tmp_path: Path, days: list[str], form: str, expected: list[object]) -> None:
    path, params = dated(tmp_path, days, id="day", time_format=form)
    assert times(path, params) == expected
    assert read(path, params, TaskType.REGRESSION).train.ids.tolist() == days


def test_an_encoding_is_declared_and_named_where_it_is_needed(tmp_path: Path) -> None:
    path = folder(tmp_path)
    for name, text in {"train": TRAIN, "test": TEST}.items():
        (path / f"{name}.csv").write_bytes(text.encode("cp1252"))
    told = refusal(path)
    assert "train.csv cannot be read as utf-8" in told
    assert "encoding = 'cp1252' under [data.params]" in told
    assert "ñ" in read(path, replace(PARAMS, encoding="cp1252")).train.ids.tolist()
    assert "encoding = 'no-such' is unknown" in refusal(path, replace(PARAMS, encoding="no-such"))


def test_rows_without_a_target_are_named_by_their_ids_with_the_way_out(tmp_path: Path) -> None:
    path = folder(tmp_path, train=TRAIN.replace("2,no", "2,"))
    assert "is missing in 1 rows: 1e5 (their ids); take these rows out of the file" in refusal(path)
