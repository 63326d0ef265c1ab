"""The real files of the shipped competitions, where they are on this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from harness_airquality.source import StationsParams, load, read_new, table_new

import harness
from harness.competition_file import read_competition
from harness.data import Dataset, Predictions
from harness.offers import DataRequest
from harness.params import parse_params

HOMES = Path(harness.__file__).parents[1] / "competitions"


def opened(name: str, path: Path) -> tuple[StationsParams, Dataset]:
    competition = read_competition(HOMES / name)
    variants = competition.data.variants
    extra = variants["path"].params if "path" in variants else {}
    params = parse_params(StationsParams, {**competition.data.params, **extra}, name)
    return params, load(params, DataRequest(name, competition.task, "path", path, HOMES / name, path))


def test_african_cities(real_data: Path) -> None:
    folder = real_data / "air-quality" / "african-cities"
    params, data = opened("air-quality-africa", folder)
    raw = {name: pd.read_csv(folder / f"{name}.csv.gz") for name in ("Train", "Test")}
    assert (len(raw["Train"]), len(raw["Test"])) == (1547, 875)
    assert data.test is not None
    assert data.sample_submission is not None
    # two readings of one station and day are averaged
    assert (len(data.train), len(data.test)) == (1546, 875)
    assert data.info.notes[0] == ("2 rows of Train.csv.gz share their place and time with another row; averaged to 1")
    seen, asked = set(data.train.inputs["place"]), set(data.test.inputs["place"])
    assert (len(seen), len(asked), len(seen & asked)) == (48, 21, 0)
    assert set(data.test.ids) == set(data.sample_submission["id"])
    assert data.test.ids.tolist() == raw["Test"]["id"].tolist()
    assert data.train.meta is not None
    assert set(data.train.meta["country"]) == {"Burundi", "Kenya", "Nigeria", "Uganda"}
    by_id = raw["Train"].set_index("id")
    assert data.train.targets is not None
    kept = data.train.ids != "id_6i7m1g2760"
    assert np.array_equal(data.train.targets[kept], by_id.loc[data.train.ids[kept], "pm2_5"])
    assert data.train.targets[~kept] == pytest.approx(by_id.loc[["id_6i7m1g2760", "id_d0k3adh021"], "pm2_5"].mean())
    new = read_new(params, folder / "Test.csv.gz", data.info)
    pd.testing.assert_frame_equal(new.inputs, data.test.inputs)
    table = table_new(params, new, Predictions(new.ids, np.ones((875, 1)), ("point",)))
    assert list(table.columns) == ["id", "City", "place", "Date", "latitude", "longitude", "prediction"]
    assert set(table["City"]) == {"Bujumbura", "Kampala", "Lagos", "Nairobi"}


def test_beijing(real_data: Path) -> None:
    path = real_data / "air-quality" / "beijing_pm25_2010_2014.csv.gz"
    _, data = opened("air-quality-beijing", path)
    assert data.info.notes == ("2,067 of 43,824 rows of beijing_pm25_2010_2014.csv.gz without a target were dropped",)
    assert data.valid is not None
    assert data.test is not None
    assert len(data.train) + len(data.valid) + len(data.test) == 43824 - 2067
    assert data.train.inputs["time"].max() < pd.Timestamp("2014-01-01") <= data.valid.inputs["time"].min()
    assert data.valid.inputs["time"].max() < pd.Timestamp("2014-07-01") <= data.test.inputs["time"].min()
    raw = pd.read_csv(path, dtype={"No": str}).set_index("No")
    row = data.test.ids[0]
    assert data.test.inputs["TEMP"].iloc[0] == raw.loc[row, "TEMP"]
    assert data.info.extra["levels"] == {"cbwd": ["NE", "NW", "SE", "cv"]}
