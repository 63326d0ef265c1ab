"""Times of a station table: one or several columns, with and without offsets."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from harness_airquality.source import StationsParams, load
from hypothesis import given
from hypothesis import strategies as st

from harness.data import Dataset, TaskType
from harness.errors import DataError
from harness.offers import DataRequest


def read(folder: Path, *times: str, name: str = "t", test: tuple[str, ...] = (), **changes: Any) -> Dataset:
    changes = {"time": tuple(name.split(",")), **changes}
    for file, rows in (("train", times), ("test", test)):
        if rows:
            lines = [f"{row},{number}" for number, row in enumerate(rows)]
            (folder / f"{file}.csv").write_text(
                f"{name},{'pm' if file == 'train' else 'x'}\n" + "\n".join(lines) + "\n"
            )
            changes[file] = f"{file}.csv"
    params = StationsParams(**{**StationsParams(target="pm", drop=()).__dict__, **changes})
    return load(params, DataRequest("mini", TaskType.REGRESSION, "path", folder, folder, folder))


def times_of(data: Dataset) -> list[str]:
    times: pd.Series[Any] = data.train.inputs["time"]
    assert times.dtype == "datetime64[ns]"
    return times.dt.strftime("%Y-%m-%dT%H:%M:%S").tolist()


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("date", "2023-06-14", "2023-06-14T00:00:00"),
        ("date", "2023-06-14T13:05", "2023-06-14T13:05:00"),
        ("date", "2023-06-14 13:05:09", "2023-06-14T13:05:09"),
        ("date,hour", "2023-06-14,7", "2023-06-14T07:00:00"),
        ("date,hour", "2023-06-14,7.5", "2023-06-14T07:30:00"),
        ("date,hour", "2023-06-14,24", "2023-06-15T00:00:00"),
        ("date,clock", "2023-06-14,07:45", "2023-06-14T07:45:00"),
        ("date,clock", "2023-06-14,07:45:01", "2023-06-14T07:45:01"),
        ("date,hour,minute", "2023-06-14,7,9", "2023-06-14T07:09:00"),
        ("year,month,day", "2023,6,4", "2023-06-04T00:00:00"),
        ("year,month,day,hour", "2023,6,4,0", "2023-06-04T00:00:00"),
        ("an,mois,jour,heure,minute,seconde", "2023,06,04,23,59,58", "2023-06-04T23:59:58"),
    ],
)
def test_times_of_one_or_several_columns(tmp_path: Path, name: str, row: str, expected: str) -> None:
    assert times_of(read(tmp_path, row, name=name)) == [expected]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("date,hour", "2023-06-14,25"),
        ("date,hour", "2023-06-14,-1"),
        ("date,hour", "2023-06-14,noon"),
        ("date,hour", "2023-06-14,"),
        ("date,clock", "2023-06-14,7:xx"),
        ("date,hour,minute", "2023-06-14,7,60"),
        ("year,month,day", "2023,2,29"),
        ("year,month,day", "2023,13,1"),
        ("year,month,day,hour", ",2,2,3"),
    ],
)
def test_parts_of_a_time_out_of_bounds_are_named(tmp_path: Path, name: str, row: str) -> None:
    good = {3: "2023-06-14,1,1", 2: "2023-06-14,1", 4: "2023,1,1,1"}[len(name.split(","))]
    good = "2023,1,1" if name == "year,month,day" else good
    with pytest.raises(DataError, match="is no time in 1 of 2 rows: row 2 after the header") as caught:
        read(tmp_path, good, row, name=name)
    assert row.replace(",", " ").strip().split(" ")[-1] in str(caught.value)


def test_another_way_of_writing_is_declared(tmp_path: Path) -> None:
    assert times_of(read(tmp_path, "14/06/2023 05h", time_format="%d/%m/%Y %Hh")) == ["2023-06-14T05:00:00"]
    with pytest.raises(DataError, match=r"the first is '06/14/2023 05h', expected '%d/%m/%Y %Hh'"):
        read(tmp_path, "06/14/2023 05h", time_format="%d/%m/%Y %Hh")


def test_times_without_an_offset_stay_as_they_are(tmp_path: Path) -> None:
    data = read(tmp_path, "2023-06-14T12:00")
    assert data.info.extra["zone"] == ""
    data = read(tmp_path, "2023-06-14T12:00", time_zone="Africa/Nairobi")
    assert times_of(data) == ["2023-06-14T12:00:00"]
    assert data.info.extra["zone"] == "Africa/Nairobi"


def test_times_with_offsets_become_utc_and_mixed_ones_are_told(tmp_path: Path) -> None:
    data = read(tmp_path, "2023-06-14T12:00Z", "2023-06-15T12:00Z")
    assert (data.info.extra["zone"], data.info.notes) == ("UTC", ())
    data = read(tmp_path, "2023-06-14T12:00+03:00", "2023-06-14T12:00Z", "2023-06-14 12:00:00.5-0530")
    assert times_of(data) == ["2023-06-14T09:00:00", "2023-06-14T12:00:00", "2023-06-14T17:30:00"]
    assert data.info.notes == ("times with 3 different offsets (+03:00, -0530, Z) are converted to UTC",)


def test_times_with_offsets_are_converted_to_the_declared_zone(tmp_path: Path) -> None:
    data = read(tmp_path, "2023-06-14T22:00Z", time_zone="Africa/Nairobi")
    assert times_of(data) == ["2023-06-15T01:00:00"]
    data = read(tmp_path, "14.06.2023 22:00 +0000", time_format="%d.%m.%Y %H:%M %z", time_zone="Africa/Nairobi")
    assert times_of(data) == ["2023-06-15T01:00:00"]


@pytest.mark.parametrize("zone", ["", "Africa/Nairobi"])
def test_times_with_and_without_offset_in_one_file_are_refused(tmp_path: Path, zone: str) -> None:
    rows = ("2023-06-14T12:00Z", "2023-06-15T12:00", "2023-06-16T12:00Z")
    with pytest.raises(DataError, match="mixes times with and without an offset: 1 have no offset: row 2") as caught:
        read(tmp_path, *rows, time_zone=zone)
    assert "write all of them one way" in str(caught.value)


def test_files_with_and_without_offset_need_a_zone(tmp_path: Path) -> None:
    files: dict[str, Any] = {"name": "t", "test": ("2023-06-14T12:00",), "missing_target": "drop"}
    (tmp_path / "test.csv").write_text("t\n2023-06-14T12:00\n")
    with pytest.raises(DataError, match=r"train.csv has times with offsets, test.csv has none; set time_zone"):
        read(tmp_path, "2023-06-14T12:00Z", **files)
    (tmp_path / "train.csv").write_text("t,x,pm\n2023-06-14T12:00Z,1,1\n")
    params = StationsParams(target="pm", time="t", train="train.csv", test="test.csv", time_zone="Africa/Nairobi")
    (tmp_path / "test.csv").write_text("t,x\n2023-06-14T12:00,1\n")
    data = load(params, DataRequest("mini", TaskType.REGRESSION, "path", tmp_path, tmp_path, tmp_path))
    assert data.test is not None
    assert times_of(data) == ["2023-06-14T15:00:00"]
    assert data.test.inputs["time"].tolist() == [pd.Timestamp("2023-06-14T12:00")]


def test_parquet_times_with_a_zone(tmp_path: Path) -> None:
    times = pd.to_datetime(["2023-06-14T12:00+03:00", "2023-06-15T12:00+03:00"])
    pd.DataFrame({"t": times, "pm": [1.0, 2.0]}).to_parquet(tmp_path / "train.parquet")
    data = read(tmp_path, train="train.parquet")
    assert times_of(data) == ["2023-06-14T09:00:00", "2023-06-15T09:00:00"]
    assert data.info.extra["zone"] == "UTC"


@given(
    moment=st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),
    minutes=st.integers(min_value=-12 * 60, max_value=14 * 60),
)
def test_an_offset_never_changes_the_moment(
    tmp_path_factory: pytest.TempPathFactory, moment: datetime, minutes: int
) -> None:
    moment = moment.replace(microsecond=0)
    text = moment.replace(tzinfo=timezone.utc).astimezone(timezone(timedelta(minutes=minutes))).isoformat()  # noqa: UP017
    data = read(tmp_path_factory.mktemp("moment"), text)
    assert data.train.inputs["time"].iloc[0] == pd.Timestamp(moment)
