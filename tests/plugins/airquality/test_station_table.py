"""What a station table becomes: roles, covariates, ids, parts; and predictions of new rows."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from harness_airquality.source import StationsParams, datasets, load, read_new, table_new
from harness_airquality.stations import ROLES

import harness
from harness.competition_file import parse_competition, read_competition
from harness.data import Column, Dataset, Predictions, TaskType
from harness.errors import ConfigError, DataError
from harness.fetch import fetch
from harness.offers import DataRequest
from harness.params import parse_params

HOMES = Path(harness.__file__).parents[1] / "competitions"

TRAIN = """id,site,lat,lon,town,land,date,no2,pm,pm_max
007,a,0.3,32.5,Kampala,Uganda,2023-01-02,1.5,20,31
1e5,a,0.3,32.5,Kampala,Uganda,2023-01-01,,10.5,12
n,b,-1.2,36.8,Nairobi,Kenya,2023-01-02,3,30,40
"""
TEST = """id,site,lat,lon,town,land,date,no2
NA,c,6.5,3.3,Lagos,Nigeria,2023-01-02,4
9,a,0.3,32.5,Kampala,Uganda,2023-01-03,
"""
PARAMS = StationsParams(
    target="pm",
    id="id",
    place="site",
    time="date",
    latitude="lat",
    longitude="lon",
    region="town",
    country="land",
    drop=("pm_max",),
    train="train.csv",
    test="test.csv",
)


def request(path: Path | None, task: TaskType = TaskType.REGRESSION) -> DataRequest:
    return DataRequest("mini", task, "path", path, Path("nowhere"), Path("nowhere"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.csv").write_text(TRAIN)
    (tmp_path / "test.csv").write_text(TEST)
    return tmp_path


@pytest.fixture
def data(folder: Path) -> Dataset:
    return load(PARAMS, request(folder))


def test_inputs_begin_with_the_roles_and_have_their_types(data: Dataset) -> None:
    inputs = data.train.inputs
    assert list(inputs.columns) == [*ROLES, "no2"]
    assert isinstance(inputs.index, pd.RangeIndex)
    assert inputs["place"].dtype == object
    assert inputs["region"].dtype == object
    assert inputs["time"].dtype == np.dtype("datetime64[ns]")
    assert [inputs[name].dtype for name in ("latitude", "longitude", "no2")] == [np.float64] * 3
    assert inputs["time"].tolist() == [pd.Timestamp(day) for day in ("2023-01-02", "2023-01-01", "2023-01-02")]
    assert inputs["no2"].tolist()[::2] == [1.5, 3.0]
    assert np.isnan(inputs["no2"][1])
    assert data.info.columns == (
        Column("place", "text"),
        Column("time", "time"),
        Column("latitude"),
        Column("longitude"),
        Column("region", "text"),
        Column("no2"),
    )


@pytest.mark.fault("F-28")
def test_ids_are_kept_as_they_stand(data: Dataset) -> None:
    assert data.test is not None
    assert data.train.ids.tolist() == ["007", "1e5", "n"]
    assert data.test.ids.tolist() == ["NA", "9"]


def test_targets_meta_and_facts(data: Dataset) -> None:
    assert data.train.targets is not None
    assert data.train.targets.tolist() == [20.0, 10.5, 30.0]
    assert data.train.meta is not None
    assert list(data.train.meta.columns) == [*ROLES, "country"]
    assert data.train.meta["country"].tolist() == ["Uganda", "Uganda", "Kenya"]
    assert data.test is not None
    assert data.test.targets is None
    expected = {"group": "place", **{role: role for role in ("time", "latitude", "longitude", "region")}}
    assert data.info.roles == expected
    assert {"step": "1D", "unit": "ug/m3", "target": "pm"}.items() <= data.info.extra.items()
    assert "1 of 2 test places have no training row" in data.info.notes
    assert not data.info.simulated


def test_the_digest_follows_bytes_and_parameters(folder: Path, data: Dataset) -> None:
    assert load(PARAMS, request(folder)).digest == data.digest
    changed = parse_params(StationsParams, {"target": "pm_max", "drop": ["pm"], "place": "site"}, "x")
    other = load(StationsParams(**{**PARAMS.__dict__, "target": changed.target, "drop": changed.drop}), request(folder))
    assert other.digest != data.digest
    (folder / "test.csv").write_text(TEST.replace(",4\n", ",5\n"))
    assert load(PARAMS, request(folder)).digest != data.digest


def test_without_id_coordinates_and_region_there_are_numbers_nan_and_nothing(folder: Path) -> None:
    params = StationsParams(target="pm", place="site", time="date", drop=("pm_max", "id"), train="train.csv")
    found = load(params, request(folder))
    assert found.train.ids.tolist() == ["train-0", "train-1", "train-2"]
    assert found.train.inputs[["latitude", "longitude"]].isna().all(axis=None)
    assert found.train.inputs["region"].tolist() == [""] * 3
    assert found.info.roles == {"group": "place", "time": "time"}
    assert found.train.meta is not None
    assert "country" not in found.train.meta
    # lat and lon are ordinary covariates then
    assert found.train.inputs["lat"].tolist() == [0.3, 0.3, -1.2]


def test_one_station_has_the_name_and_coordinates_of_the_parameters(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("date,pm\n2023-01-01,5\n2023-01-02,6\n")
    params = StationsParams(target="pm", station="Oslo", latitude=59.9, longitude=10, train="one.csv")
    found = load(params, request(tmp_path))
    assert found.train.inputs["place"].tolist() == ["Oslo", "Oslo"]
    assert found.train.inputs[["latitude", "longitude"]].to_numpy().tolist() == [[59.9, 10.0]] * 2
    assert "group" not in found.info.roles
    assert list(found.train.inputs.columns) == list(ROLES)


def test_categories_follow_the_training_rows(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("date,pm,wind,code\n2023-01-01,5,NE,10\n2023-01-02,6,,9\n2023-01-03,6,cv,9\n")
    (tmp_path / "test.csv").write_text("date,wind,code\n2023-01-04,SW,9\n")
    params = StationsParams(target="pm", categorical=("code",), train="train.csv", test="test.csv")
    found = load(params, request(tmp_path))
    assert found.info.extra["levels"] == {"wind": ["NE", "cv"], "code": ["9", "10"]}
    assert found.train.inputs["wind"].isna().tolist() == [False, True, False]
    assert found.test is not None
    assert found.test.inputs["wind"].isna().tolist() == [True]
    assert found.test.inputs["code"].tolist() == ["9"]


def test_several_files_are_joined_in_the_order_of_their_names(tmp_path: Path) -> None:
    header = "No,year,month,day,hour,PM2.5,wd,station\n"
    (tmp_path / "PRSA_Data_B.csv").write_text(header + "1,2013,3,1,0,7,N,Dongsi\n2,2013,3,1,1,NA,,Dongsi\n")
    (tmp_path / "PRSA_Data_A.csv").write_text(header + "1,2013,3,1,0,4,NW,Tiantan\n2,2013,3,1,1,8,N,Tiantan\n")
    params = StationsParams(
        target="PM2.5",
        place="station",
        time=("year", "month", "day", "hour"),
        keep=("hour",),
        drop=("No",),
        step="1h",
        missing_target="drop",
        train="PRSA_Data_*.csv",
    )
    found = load(params, request(tmp_path))
    assert found.train.inputs["place"].tolist() == ["Tiantan", "Tiantan", "Dongsi"]
    assert found.train.ids.tolist() == ["train-0", "train-1", "train-2"]
    assert found.train.inputs["hour"].tolist() == [0.0, 1.0, 0.0]
    assert found.train.inputs["time"].tolist()[1] == pd.Timestamp("2013-03-01 01:00")
    assert found.info.notes == ("1 of 4 rows of PRSA_Data_A.csv and 1 more files without a target were dropped",)


def test_several_files_must_agree_and_be_different_ones(tmp_path: Path) -> None:
    params = StationsParams(target="pm", train="train*")
    (tmp_path / "train1.csv").write_text("date,pm,no2\n2023-01-01,5,1\n")
    (tmp_path / "train2.csv").write_text("date,pm,NO2\n2023-01-02,5,1\n")
    with pytest.raises(DataError, match=r"train2.csv and train1.csv differ in columns: NO2, no2"):
        load(params, request(tmp_path))
    (tmp_path / "train2.csv").write_text("date,pm,no2\nsoon,5,1\n")
    with pytest.raises(DataError, match=r"train2.csv row 1; the first is 'soon'"):
        load(params, request(tmp_path))
    (tmp_path / "train2.csv").unlink()
    (tmp_path / "train1.csv.gz").write_bytes(gzip.compress(b"date,pm,no2\n2023-01-01,5,1\n"))
    with pytest.raises(DataError, match=r"2 files fit train = 'train\*': train1.csv, train1.csv.gz"):
        load(params, request(tmp_path))


def test_parquet_is_read_as_csv_is(folder: Path, data: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "parquet"
    out.mkdir()
    for name in ("train", "test"):
        frame = pd.read_csv(folder / f"{name}.csv", dtype={"id": str}, keep_default_na=False, na_values={"no2": ""})
        frame["date"] = pd.to_datetime(frame["date"])
        frame.to_parquet(out / f"{name}.parquet")
    params = StationsParams(**{**PARAMS.__dict__, "train": "train.parquet", "test": "test.parquet"})
    found = load(params, request(out))
    pd.testing.assert_frame_equal(found.train.inputs, data.train.inputs)
    assert found.test is not None
    assert data.test is not None
    pd.testing.assert_frame_equal(found.test.inputs, data.test.inputs)
    assert found.train.ids.tolist() == data.train.ids.tolist()


HOURS = "date,pm,t\n" + "".join(f"2023-0{month}-15,{month},{-month}\n" for month in range(1, 8))


def test_dates_cut_validation_and_test_off(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(HOURS)
    params = StationsParams(target="pm", train="all.csv", valid_from="2023-05-01", test_from="2023-06-15")
    found = load(params, request(tmp_path / "all.csv"))
    assert found.valid is not None
    assert found.test is not None
    assert found.train.inputs["time"].max() < found.valid.inputs["time"].min() < found.test.inputs["time"].min()
    assert found.valid.ids.tolist() == ["valid-4"]
    assert found.valid.targets is not None
    assert found.valid.targets.tolist() == [5.0]
    assert found.test.ids.tolist() == ["5", "6"]
    assert found.test.targets is None
    assert list(found.test.inputs.columns) == [*ROLES, "t"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_from": "2024-01-01"}, r"test_from = 2024-01-01 leaves 0 rows for test and 7 for training"),
        ({"test_from": "2020-01-01"}, r"leaves 7 rows for test and 0 for training; times run from 2023-01-15"),
        ({"valid_from": "2023-06-01", "test_from": "2023-03-01"}, r"valid_from .* must be before test_from"),
        ({"test_from": "1. July"}, r"test_from = '1. July': expected an ISO date"),
        ({"test_from": "2023-03-01T00:00Z"}, r"expected no offset"),
        ({"step": "one day"}, r"step = 'one day': expected a duration"),
        ({"latitude": 3.0}, r"latitude and longitude go together"),
        ({"keep": ("t",)}, r"keep = \['t'\]: t is no column of time"),
        ({"drop": ("tt",)}, r"drop: all.csv has no column 'tt'"),
        ({"time": ()}, r"time names no column"),
        ({"place": "sites"}, r"all.csv has no column 'sites' \(place\)"),
        ({"target": "pm10"}, r"all.csv has no column 'pm10' \(target\); did you mean 'pm'"),
        ({"time_zone": "Africa/Kampalla"}, r"time_zone = 'Africa/Kampalla'; did you mean 'Africa/Kampala'"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    (tmp_path / "all.csv").write_text(HOURS)
    params = StationsParams(**{**StationsParams(target="pm", train="all.csv").__dict__, **changes})
    with pytest.raises((ConfigError, DataError), match=message) as caught:
        load(params, request(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_test_file_and_a_date_contradict_each_other(folder: Path) -> None:
    params = StationsParams(**{**PARAMS.__dict__, "test_from": "2023-01-02"})
    with pytest.raises(ConfigError, match="there is a file of them too"):
        load(params, request(folder))


def test_other_tasks_and_missing_data_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="reads a regression, found multiclass"):
        load(PARAMS, request(folder, TaskType.MULTICLASS))
    with pytest.raises(DataError, match=r"mini ships no data: .* --data PATH"):
        load(PARAMS, request(None))
    with pytest.raises(DataError, match=r"gone: no such folder or file; expected .* train.csv, test.csv"):
        load(PARAMS, request(folder / "gone"))
    (folder / "test.csv").unlink()
    with pytest.raises(DataError, match=r"no file fits test = 'test.csv'"):
        load(PARAMS, request(folder))


def test_new_rows_need_neither_id_nor_region(folder: Path, data: Dataset) -> None:
    new = folder / "cities.csv"
    new.write_text("site,lat,lon,date,no2\nz,-33.9,18.4,2024-05-01,2\nz,-33.9,18.4,2024-05-02,\n")
    found = read_new(PARAMS, new, data.info)
    assert found.ids.tolist() == ["0", "1"]
    assert found.targets is None
    assert list(found.inputs.columns) == list(data.train.inputs.columns)
    assert found.inputs.dtypes.tolist() == data.train.inputs.dtypes.tolist()
    assert found.inputs["region"].tolist() == ["", ""]


def test_the_test_file_is_read_alike_as_new_rows(folder: Path, data: Dataset) -> None:
    found = read_new(PARAMS, folder / "test.csv", data.info)
    assert data.test is not None
    assert found.ids.tolist() == data.test.ids.tolist()
    pd.testing.assert_frame_equal(found.inputs, data.test.inputs)
    again = read_new(PARAMS, folder / "train.csv", data.info)  # target and leaky columns are left out
    pd.testing.assert_frame_equal(again.inputs, data.train.inputs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("site,lat,date,no2\nz,1,2024-05-01,2\n", r"cities.csv has no column 'lon' \(longitude\)"),
        ("site,lat,lon,no2\nz,1,1,2\n", r"cities.csv has no column 'date' \(time\)"),
        ("site,lat,lon,date\nz,1,1,2024-05-01\n", r"training data: missing no2 \(rename"),
        ("site,lat,lon,date,no2,so2\nz,1,1,2024-05-01,2,3\n", r"extra so2"),
        ("site,lat,lon,date,no2\nz,1,1,2024-05-01,high\n", r"'no2' holds numbers in the training data, but 'high'"),
        ("site,lat,lon,date,no2\nz,1,1,2024-05-01,inf\n", r"infinite values in no2"),
        ("site,lat,lon,date,no2\nz,1,1,2024-05-01T00:00Z,2\n", r"time zones differ: the training data has none"),
        ("site,lat,lon,date,no2\n", r"cities.csv has a header but no rows"),
        ("", r"cities.csv is empty"),
    ],
)
def test_new_rows_of_another_layout_are_refused(folder: Path, data: Dataset, text: str, message: str) -> None:
    new = folder / "cities.csv"
    new.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_new(PARAMS, new, data.info)
    assert "\n" not in str(caught.value)


def test_predictions_of_new_rows_are_a_table_of_cities(folder: Path, data: Dataset) -> None:
    found = read_new(PARAMS, folder / "test.csv", data.info)
    values = np.array([[2.0, 1.0, 3.0], [5.0, 4.0, 6.0]])
    table = table_new(PARAMS, found, Predictions(found.ids, values, ("point", "lower", "upper")))
    assert table.to_csv(index=False) == (
        "id,City,place,Date,latitude,longitude,prediction,lower,upper\n"
        "NA,Lagos,c,2023-01-02,6.5,3.3,2.0,1.0,3.0\n"
        "9,Kampala,a,2023-01-03,0.3,32.5,5.0,4.0,6.0\n"
    )


def test_a_table_without_region_id_and_coordinates_names_the_place(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("date,hour,pm,site\n2023-01-01,5,1,Oslo\n2023-01-01,6,1,Bergen\n")
    params = StationsParams(target="pm", place="site", time=("date", "hour"), train="all.csv")
    found = load(params, request(tmp_path))
    new = read_new(params, tmp_path / "all.csv", found.info)
    table = table_new(params, new, Predictions(new.ids, np.array([[2.0], [5.0]]), ("point",)))
    assert table.to_dict("list") == {
        "City": ["Oslo", "Bergen"],
        "Date": ["2023-01-01T05:00:00", "2023-01-01T06:00:00"],
        "prediction": [2.0, 5.0],
    }


OWN = """
title = "Estaciones"
task = "regression"
metrics = ["rmse"]
[data]
source = "airquality.stations"
variant = "path"
[data.params]
id = "registro"
target = "pm25"
place = "estación"
time = ["fecha", "hora"]
time_format = "%d/%m/%Y"
latitude = "y"
longitude = "x"
region = "ciudad"
separator = ";"
missing = ["s/d"]
missing_target = "drop"
step = "1h"
unit = "µg/m³"
train = "mediciones.csv"
test_from = "2023-02-02"
[split]
use = "group"
group_on = "place"
[strategies.one]
model = "constant"
"""


def test_a_competition_file_alone_serves_another_table(tmp_path: Path) -> None:
    (tmp_path / "mediciones.csv").write_text(
        "registro;estación;ciudad;y;x;fecha;hora;viento;pm25\n"
        "r1;Usme;Bogotá;4.53;-74.11;01/02/2023;13:30;calma;12\n"
        "r2;Usme;Bogotá;4.53;-74.11;02/02/2023;7:00;s/d;s/d\n"
        "r3;Suba;Bogotá;4.76;-74.09;02/02/2023;24:00;norte;9\n"
    )
    competition = parse_competition(tomllib.loads(OWN), tmp_path / "estaciones")
    (source,) = datasets()
    params = parse_params(source.params, competition.data.params, "estaciones")
    found = source.load(params, request(tmp_path))
    assert found.train.ids.tolist() == ["r1"]
    assert found.train.inputs["time"].tolist() == [pd.Timestamp("2023-02-01 13:30")]
    assert found.test is not None
    assert found.test.ids.tolist() == ["r3"]
    assert found.test.inputs["time"].tolist() == [pd.Timestamp("2023-02-03")]
    assert found.test.inputs["region"].tolist() == ["Bogotá"]
    assert found.info.extra["unit"] == "µg/m³"


def test_the_public_beijing_file_is_read_as_it_is_fetched(tmp_path: Path) -> None:
    name = "PRSA_data_2010.1.1-2014.12.31.csv"
    rows = [
        "No,year,month,day,hour,pm2.5,DEWP,TEMP,PRES,cbwd,Iws,Is,Ir",
        "1,2010,1,1,0,NA,-21,-11,1021,NW,1.79,0,0",
        "2,2010,1,1,1,129,-21,-12,1020,cv,4.92,0,0",
        "3,2014,1,1,0,30,-21,-12,1020,NW,4.92,0,0",
        "4,2014,7,1,0,40,-21,-12,1020,SE,4.92,0,0",
    ]
    with zipfile.ZipFile(tmp_path / "beijing+pm2+5+data.zip", "w") as archive:
        archive.writestr(name, "\n".join(rows))
    competition = read_competition(HOMES / "air-quality-beijing")
    public = competition.data.variants["public"]
    assert [url.rpartition("/")[2] for url in public.urls] == ["beijing+pm2+5+data.zip"]
    fetch([(tmp_path / "beijing+pm2+5+data.zip").as_uri()], {}, tmp_path / "fetched")
    params = parse_params(StationsParams, {**competition.data.params, **public.params}, "beijing")
    found = load(params, request(tmp_path / "fetched"))
    assert found.valid is not None
    assert found.test is not None
    assert [part.ids.tolist() for part in (found.train, found.valid, found.test)] == [["2"], ["3"], ["4"]]
    assert found.info.notes == (f"1 of 4 rows of {name} without a target were dropped",)


def test_the_official_files_of_urban_air_pollution(tmp_path: Path) -> None:
    train = (
        "Place_ID X Date,Date,Place_ID,target,target_min,target_max,target_variance,target_count,L3_NO2_cloud_fraction"
    )
    (tmp_path / "Train.csv").write_text(
        f"{train}\n010Q650 X 2020-01-02,2020-01-02,010Q650,38,23,53,769.5,92,\n"
        "010Q650 X 2020-01-03,2020-01-03,010Q650,39,25,63,1319.85,91,0.1\n"
    )
    (tmp_path / "Test.csv").write_text(
        "Place_ID X Date,Date,Place_ID,L3_NO2_cloud_fraction\n0OS9LVX X 2020-01-02,2020-01-02,0OS9LVX,0.2\n"
    )
    (tmp_path / "SampleSubmission.csv").write_text("Place_ID X Date,target\n0OS9LVX X 2020-01-02,0\n")
    competition = read_competition(HOMES / "urban-air-pollution")
    found = load(parse_params(StationsParams, competition.data.params, "urban"), request(tmp_path))
    assert list(found.train.inputs.columns) == [*ROLES, "L3_NO2_cloud_fraction"]
    assert found.test is not None
    assert found.test.ids.tolist() == ["0OS9LVX X 2020-01-02"]
    assert found.info.notes == ("1 of 1 test places have no training row",)


def test_listing_the_source_imports_nothing_heavy() -> None:
    code = (
        "import sys; from harness_airquality.source import datasets; list(datasets());"
        " print(sorted({'pandas', 'numpy', 'polars', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
