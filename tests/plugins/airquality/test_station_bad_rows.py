"""Rows that cannot be used as they are: each a readable error, or a declared policy that is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from harness_airquality.source import StationsParams, load
from hypothesis import given
from hypothesis import strategies as st

from harness.data import Dataset, TaskType
from harness.errors import DataError
from harness.offers import DataRequest

HEADER = "id,site,lat,lon,town,date,no2,pm\n"
GOOD = ("a,s1,0.3,32.5,K,2023-01-01,1,10", "b,s1,0.3,32.5,K,2023-01-02,2,20", "c,s2,0.4,32.6,K,2023-01-01,3,30")
PARAMS = StationsParams(
    target="pm",
    id="id",
    place="site",
    time="date",
    latitude="lat",
    longitude="lon",
    region="town",
    train="train.csv",
)


def read(folder: Path, *rows: str, test: tuple[str, ...] = (), **changes: Any) -> Dataset:
    (folder / "train.csv").write_text(HEADER + "\n".join(rows) + "\n")
    if test:
        (folder / "test.csv").write_text(HEADER.replace(",pm", "") + "\n".join(test) + "\n")
        changes["test"] = "test.csv"
    params = StationsParams(**{**PARAMS.__dict__, **changes})
    request = DataRequest("mini", TaskType.REGRESSION, "path", folder, folder, folder)
    return load(params, request)


def refusal(folder: Path, *rows: str, **changes: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, *rows, **changes)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("bad", ["2023-02-30", "", "soon", "13/01/2023", "0001-01-01", "9999-01-01", "nan"])
def test_dates_that_are_none_are_named(tmp_path: Path, bad: str) -> None:
    message = refusal(tmp_path, *GOOD, f"x7,s2,0.4,32.6,K,{bad},3,30")
    assert "train.csv: date is no time in 1 of 4 rows: x7;" in message
    assert repr(bad or "(missing)") in message or "(missing)" in message
    assert "time_format" in message


def test_rows_without_an_id_are_named_by_their_number(tmp_path: Path) -> None:
    message = refusal(tmp_path, *GOOD, "x7,s2,0.4,32.6,K,soon,3,30", id="", drop=("id",))
    assert "in 1 of 4 rows: row 4 after the header;" in message


@pytest.mark.parametrize(
    ("coordinates", "hint"),
    [
        ("132.5,0.3", "look swapped"),
        ("-95,10", "look swapped"),
        ("0.3,322.5", "subtract 360"),
        ("0.3,1000", "mend them"),
        ("inf,0", "mend them"),
        ("200,300", "mend them"),
    ],
)
def test_coordinates_outside_the_globe_are_named(tmp_path: Path, coordinates: str, hint: str) -> None:
    message = refusal(tmp_path, *GOOD, f"x7,s3,{coordinates},K,2023-01-05,3,30")
    assert "1 rows lie outside the globe: x7;" in message
    assert hint in message


def test_coordinates_that_are_text_are_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, *GOOD, "x7,s3,1°N,32,K,2023-01-05,3,30")
    assert "'lat' (latitude) is no number in 1 rows: x7; the first is '1°N'" in message


def test_a_row_without_coordinates_has_those_of_its_place(tmp_path: Path) -> None:
    found = read(tmp_path, *GOOD, "x7,s2,,,K,2023-01-05,3,30", "x8,s2,0.4,,K,2023-01-06,3,30")
    assert found.train.inputs["latitude"].tolist()[-2:] == [0.4, 0.4]
    assert found.train.inputs["longitude"].tolist()[-2:] == [32.6, 32.6]
    assert found.train.meta is not None
    assert found.train.meta["longitude"].tolist()[-2:] == [32.6, 32.6]
    assert found.info.notes == ("2 rows without coordinates have those of their place's other rows",)


def test_a_test_row_has_the_coordinates_of_the_training_rows_of_its_place(tmp_path: Path) -> None:
    found = read(tmp_path, *GOOD, test=("t1,s2,,,K,2023-01-07,1",))
    assert found.test is not None
    assert found.test.inputs["latitude"].tolist() == [0.4]


def test_a_place_without_any_coordinates_keeps_nan_and_is_counted(tmp_path: Path) -> None:
    found = read(tmp_path, *GOOD, "x7,s9,,,K,2023-01-05,3,30")
    assert np.isnan(found.train.inputs["latitude"].iloc[-1])
    assert found.info.notes == ("1 places (1 rows) have no coordinates at all: s9",)


def test_a_place_that_moves_is_kept_and_counted(tmp_path: Path) -> None:
    found = read(tmp_path, *GOOD, "x7,s1,0.9,32.5,K,2023-01-05,3,30")
    assert found.train.inputs["latitude"].tolist() == [0.3, 0.3, 0.4, 0.9]
    assert found.info.notes == ("1 places have several coordinates, kept as they are: s1",)


def test_a_row_without_a_place_is_named_and_one_without_a_region_is_not(tmp_path: Path) -> None:
    assert "'site' (place) is missing in 1 rows: x7;" in refusal(tmp_path, *GOOD, "x7,,0.9,32.5,K,2023-01-05,3,30")
    found = read(tmp_path, *GOOD, "x7, s1 ,0.3,32.5,,2023-01-05,3,30")
    assert found.train.inputs["region"].tolist() == ["K", "K", "K", ""]
    assert found.train.inputs["place"].tolist()[-1] == "s1"  # blanks around a name make no other place


@pytest.mark.fault("F-20")
def test_missing_targets_are_refused_or_dropped(tmp_path: Path) -> None:
    rows = (*GOOD, "x7,s2,0.4,32.6,K,2023-01-05,3,", "x8,s2,0.4,32.6,K,2023-01-06,3,NA")
    message = refusal(tmp_path, *rows)
    assert "2 rows without a target ('pm'): x7, x8; set missing_target =" in message
    found = read(tmp_path, *rows, missing_target="drop")
    assert found.train.ids.tolist() == ["a", "b", "c"]
    assert found.info.notes == ("2 of 5 rows of train.csv without a target were dropped",)


@pytest.mark.parametrize("mark", ["-999", "-0.5"])
def test_negative_targets_are_refused_dropped_or_kept(tmp_path: Path, mark: str) -> None:
    rows = (*GOOD, f"x7,s2,0.4,32.6,K,2023-01-05,3,{mark}")
    message = refusal(tmp_path, *rows)
    assert "1 rows with a negative target ('pm'): x7; set negative_target =" in message
    found = read(tmp_path, *rows, negative_target="drop")
    assert found.info.notes == ("1 of 4 rows of train.csv with a negative target were dropped",)
    assert found.train.ids.tolist() == ["a", "b", "c"]
    kept = read(tmp_path, *rows, negative_target="keep")
    assert kept.train.targets is not None
    assert kept.train.targets[-1] == float(mark)
    assert kept.info.notes == ("1 of 4 rows of train.csv with a negative target are kept",)
    told = read(tmp_path, *rows, missing=(mark,), missing_target="drop")
    assert told.info.notes == ("1 of 4 rows of train.csv without a target were dropped",)


@pytest.mark.fault("F-20")
@pytest.mark.parametrize("bad", ["inf", "-inf", "<5", "12,5"])
def test_targets_that_are_no_numbers_are_named(tmp_path: Path, bad: str) -> None:
    value = f'"{bad}"' if "," in bad else bad
    message = refusal(tmp_path, *GOOD, f"x7,s2,0.4,32.6,K,2023-01-05,3,{value}", negative_target="keep")
    assert f"'pm' is no finite number in 1 rows: x7; the first is {bad!r}" in message


def test_no_target_at_all_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, "a,s1,0.3,32.5,K,2023-01-01,1,", missing_target="drop")
    assert "no row with a usable 'pm' is left of 1" in message


DOUBLE = (*GOOD, "x7,s1,0.3,32.5,K,2023-01-01,4,50", "x8,s1,0.3,32.5,K,2023-01-01,,60")


def test_doubled_places_and_times_are_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, *DOUBLE)
    assert "3 rows of train.csv share their place and time with another row (s1 2023-01-01 00:00:00)" in message
    assert ": a, x7, x8; add a column to time, or set duplicates =" in message


def test_doubled_places_and_times_are_averaged(tmp_path: Path) -> None:
    found = read(tmp_path, *DOUBLE, duplicates="mean")
    assert found.train.ids.tolist() == ["a", "b", "c"]
    assert found.train.targets is not None
    assert found.train.targets.tolist() == [40.0, 20.0, 30.0]
    assert found.train.inputs["no2"].tolist() == [2.5, 2.0, 3.0]  # a missing value is no part of the mean
    assert found.train.meta is not None
    assert len(found.train.meta) == 3
    assert found.info.notes == ("3 rows of train.csv share their place and time with another row; averaged to 1",)


def test_of_doubled_places_and_times_the_first_is_kept(tmp_path: Path) -> None:
    found = read(tmp_path, *DOUBLE, duplicates="first")
    assert found.train.ids.tolist() == ["a", "b", "c"]
    assert found.train.targets is not None
    assert found.train.targets.tolist() == [10.0, 20.0, 30.0]


def test_doubled_test_rows_keep_their_ids_or_are_refused(tmp_path: Path) -> None:
    test = ("t1,s2,0.4,32.6,K,2023-01-07,1", "t2,s2,0.4,32.6,K,2023-01-07,2")
    assert "2 rows of test.csv share" in refusal(tmp_path, *GOOD, test=test)
    found = read(tmp_path, *GOOD, test=test, duplicates="mean")
    assert found.test is not None
    assert found.test.ids.tolist() == ["t1", "t2"]
    assert found.info.notes == (
        "2 rows of test.csv share their place and time with another row; all are kept, each to be predicted",
    )


def test_a_test_row_that_is_a_training_row_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, *GOOD, test=("t1,s2,0.4,32.6,K,2023-01-01,1",))
    assert found.info.notes == ("1 test rows have the place and time of a training row",)


@pytest.mark.fault("F-23")
def test_doubled_and_empty_ids_are_named(tmp_path: Path) -> None:
    assert "train.csv has 1 duplicate ids: a" in refusal(tmp_path, *GOOD, "a,s2,0.4,32.6,K,2023-01-05,3,30")
    assert "1 rows have no id: rows 4" in refusal(tmp_path, *GOOD, ",s2,0.4,32.6,K,2023-01-05,3,30")


@pytest.mark.fault("F-21")
def test_a_column_without_any_value_is_kept_and_told(tmp_path: Path) -> None:
    found = read(tmp_path, "a,s1,0.3,32.5,K,2023-01-01,,10", "b,s1,0.3,32.5,K,2023-01-02,,20")
    assert found.train.inputs["no2"].isna().all()
    assert found.train.inputs["no2"].dtype == np.float64
    assert found.info.notes == ("1 columns have no value in any training row: no2",)


def test_a_few_texts_among_numbers_are_named(tmp_path: Path) -> None:
    rows = (*GOOD, "x7,s2,0.4,32.6,K,2023-01-05,ND,30")
    message = refusal(tmp_path, *rows)
    assert "column 'no2' holds numbers, but 'ND' in 1 rows: x7; list such texts under missing" in message
    found = read(tmp_path, *rows, missing=("ND",))
    assert np.isnan(found.train.inputs["no2"].iloc[-1])
    assert read(tmp_path, *rows, categorical=("no2",)).info.extra["levels"] == {"no2": ["1", "2", "3", "ND"]}


@pytest.mark.fault("F-21")
def test_infinite_covariates_are_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, *GOOD, "x7,s2,0.4,32.6,K,2023-01-05,-inf,30")
    assert "train.csv: infinite values in no2" in message


@pytest.mark.fault("F-24")
def test_test_files_of_another_layout_are_refused(tmp_path: Path) -> None:
    read(tmp_path, *GOOD)
    for text, expected in (
        ("id,site,lat,lon,town,date\nt,s,1,2,K,2023-01-01\n", "training data: missing no2 (rename"),
        ("id,site,lat,lon,town,date,no2,so2\nt,s,1,2,K,2023-01-01,1,1\n", "extra so2"),
        ("id,site,lat,town,date,no2\nt,s,1,K,2023-01-01,1\n", "test.csv has no column 'lon' (longitude)"),
        ("id,site,lat,lon,date,no2\nt,s,1,1,2023-01-01,1\n", "test.csv has no column 'town' (region)"),
        ("id,site,lat,lon,town,date,no2\n", "has a header but no rows"),
        ("", "is empty"),
    ):
        (tmp_path / "test.csv").write_text(text)
        params = StationsParams(**{**PARAMS.__dict__, "test": "test.csv"})
        with pytest.raises(DataError) as caught:
            load(params, DataRequest("mini", TaskType.REGRESSION, "path", tmp_path, tmp_path, tmp_path))
        assert expected in str(caught.value)


def test_a_covariate_cannot_have_the_name_of_a_role(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("date,pm,latitude\n2023-01-01,1,2\n")
    params = StationsParams(target="pm", train="train.csv")
    with pytest.raises(Exception, match=r"has a column 'latitude', which is the name of a role: declare it"):
        load(params, DataRequest("mini", TaskType.REGRESSION, "path", tmp_path, tmp_path, tmp_path))


cells = st.one_of(
    st.sampled_from(["", "NA", "inf", "-1", "0.3", "32.5", "2023-01-01", "2023-01-01T05:00Z", "s1", "é", '"', "1e400"]),
    st.text(alphabet="0123456789-:TZ+ .e", max_size=12),
)


@given(changes=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7), cells), max_size=3))
def test_whatever_stands_in_the_cells_is_read_whole_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int, str]]
) -> None:
    folder = tmp_path_factory.mktemp("cells")
    rows = [row.split(",") for row in GOOD]
    for row, column, text in changes:
        rows[row][column] = text
    frame = pd.DataFrame(rows, columns=HEADER.strip().split(","))
    frame.to_csv(folder / "train.csv", index=False)
    request = DataRequest("mini", TaskType.REGRESSION, "path", folder, folder, folder)
    params = StationsParams(**{**PARAMS.__dict__, "duplicates": "mean", "missing_target": "drop"})
    try:
        found = load(params, request)
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    inputs = found.train.inputs
    assert inputs["time"].notna().all()
    assert not inputs[["place", "time"]].duplicated().any()
    assert found.train.targets is not None
    assert (found.train.targets >= 0).all()
    assert inputs["latitude"].abs().max() <= 90
