"""The dashboard: what it holds, what it refuses, and that text from data stays text."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pandas as pd
import pytest
from harness_airquality.dashboard.daily import by_day, named
from harness_airquality.dashboard.data import Shown
from harness_airquality.dashboard.errors import errors_of
from harness_airquality.dashboard.outlines import extent_of, outlines
from harness_airquality.dashboard.page import write_page
from harness_airquality.dashboard.predictions import read_predictions

from harness.errors import DataError

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>{{data}}"


def rows(days: int = 10, cities=("Kampala", "Lagos"), **columns) -> pd.DataFrame:
    n = days * len(cities)
    frame = pd.DataFrame(
        {
            "region": np.repeat(cities, days),
            "place": np.repeat([f"{city} 1" for city in cities], days),
            "time": np.tile(pd.date_range("2023-01-01", periods=days), len(cities)),
            "latitude": np.repeat(np.linspace(0.3, 6.5, len(cities)), days),
            "longitude": np.repeat(np.linspace(32.5, 3.4, len(cities)), days),
            "prediction": np.arange(n, dtype=float),
        }
    )
    return frame.assign(**columns)


def page(tmp_path, **changes) -> str:
    given = {"title": "t", "about": "a", "simulated": False, "unit": "µg/m³", "rows": rows()} | changes
    write_page(Shown(**given), tmp_path / "page.html")
    return (tmp_path / "page.html").read_text()


def data_of(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="shown">(.*?)</script>', text, re.DOTALL)[1])


def unpack(text: str, dtype: str):
    return np.frombuffer(base64.b64decode(text), dtype)


def test_the_page_holds_every_prediction_by_place_and_day(tmp_path):
    shown = data_of(page(tmp_path))
    assert [city["name"] for city in shown["regions"]] == ["Kampala", "Lagos"]
    assert unpack(shown["daily"]["start"], "<u4").tolist() == [0, 10, 20]
    assert unpack(shown["daily"]["prediction"], "<f4").tolist() == list(range(20))
    first = (pd.Timestamp("2023-01-01") - pd.Timestamp("1970-01-01")).days
    assert unpack(shown["daily"]["day"], "<i4")[:3].tolist() == [first, first + 1, first + 2]


def test_hours_are_averaged_to_days_and_the_page_says_so(tmp_path):
    hourly = rows(days=48, cities=("Kampala",), time=pd.date_range("2023-01-01", periods=48, freq="h"))
    text = page(tmp_path, rows=hourly)
    assert unpack(data_of(text)["daily"]["prediction"], "<f4").tolist() == [11.5, 35.5]
    assert "shown as their mean" in text
    assert "shown as their mean" not in page(tmp_path)


def test_nothing_can_be_fetched_and_sections_without_data_are_left_out(tmp_path):
    text = page(tmp_path)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert not re.findall(r"<(?:script|img|iframe)[^>]+src=", text)
    assert "Errors by city" not in text
    assert "Coverage of intervals" not in text
    assert "What predictions rest on" not in text
    assert "Simulated data" not in text
    assert "Simulated data" in page(tmp_path, simulated=True)


def test_text_of_the_data_stays_text(tmp_path):
    hostile = rows(cities=(HOSTILE,), country=HOSTILE, reading=1.0)
    coverage = pd.DataFrame(
        {"region": [HOSTILE], "country": [HOSTILE], "n": [3], "nominal": [0.9], "coverage": [1.0], "mean_width": [2.0]}
    )
    importance = pd.DataFrame({"feature": [HOSTILE], "importance": [1.0]})
    text = page(
        tmp_path,
        title=HOSTILE,
        about=HOSTILE,
        rows=hostile,
        notes=(HOSTILE,),
        scores=((HOSTILE, HOSTILE),),
        coverage=coverage,
        importance=importance,
    )
    shown = data_of(text)
    assert shown["regions"] == [{"name": HOSTILE, "country": HOSTILE}]
    outside = text.replace(re.search(r'id="shown">(.*?)</script>', text, re.DOTALL)[1], "")
    before, after = outside.split('id="library"', 1)[0], outside.rsplit("</script>", 1)[1]
    assert "<img src=x" not in before + after
    assert "alert(2)</script>" not in before + after
    assert before.count("<script") == 2  # the data, and the library's


def test_errors_are_prediction_minus_reading_by_city_month_and_level():
    table = rows(days=2, cities=("Kampala", "Lagos"), reading=[1.0, 1.0, 20.0, np.nan])
    found = errors_of(named(table.assign(prediction=[2.0, 4.0, 10.0, 99.0])))
    assert found.rows == 3
    assert found.regions[["label", "n", "mae", "bias"]].to_numpy().tolist() == [
        ["Lagos", 1, 10.0, -10.0],
        ["Kampala", 2, 2.0, 2.0],
    ]
    assert found.months["label"].tolist() == ["2023-01"]
    assert found.levels.set_index("label")["n"].to_dict() == {"0–15": 2, "15–25": 1}  # noqa: RUF001
    assert found.counts.sum() == 3
    assert errors_of(named(rows())) is None


def test_a_place_without_a_city_is_its_own_and_no_rows_are_refused():
    daily = by_day(named(rows(region="")))
    assert daily.places["region"].tolist() == ["Kampala 1", "Lagos 1"]
    with pytest.raises(DataError, match="no predictions to show"):
        named(rows().iloc[:0])


def test_a_page_without_coordinates_has_no_map(tmp_path):
    text = page(tmp_path, rows=rows(latitude=np.nan, longitude=np.nan))
    assert 'id="map"' not in text
    assert "Natural Earth" not in text
    assert 'id="map"' in page(tmp_path)


def test_outlines_are_cut_to_what_is_shown():
    near = extent_of(np.array([-26.2, -33.9]), np.array([28.0, 18.4]))
    assert near.south < -33.9 < -26.2 < near.north
    assert near.west < 18.4 < 28.0 < near.east
    x, y = (np.array([v for v in part if v is not None], dtype=float) for part in outlines(near))
    assert len(x) > 50
    assert x.min() >= near.west - 1e-6
    assert x.max() <= near.east + 1e-6
    assert y.min() >= near.south - 1e-6
    assert y.max() <= near.north + 1e-6


CITIES = "City,Date,Lat,Long,Predicted_PM25,pop\nA,2020-01-01,1,2,10,5\nA,2020-01-02,1,2,12,5\nB,2020-01-01,3,4,9,5\n"


def test_a_bare_file_is_recognised_by_usual_names(tmp_path):
    (tmp_path / "p.csv").write_text(CITIES)
    found = read_predictions(tmp_path / "p.csv")
    assert found["region"].tolist() == ["A", "A", "B"]
    assert found["prediction"].tolist() == [10, 12, 9]
    assert found["time"].tolist()[1] == pd.Timestamp("2020-01-02")
    assert any("pop" in note for note in found.attrs["notes"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Lat,", "Height,", "no column of latitude"),
        ("2020-01-02,1", "yesterday,1", "yesterday"),
        ("B,2020-01-01,3", "B,2020-01-01,93", "93"),
        (",9,5", ",much,5", "much"),
        (",12,", ",,", "Predicted_PM25"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, old, new, message):
    assert old in CITIES
    (tmp_path / "p.csv").write_text(CITIES.replace(old, new))
    with pytest.raises(DataError, match=re.escape(message)) as told:
        read_predictions(tmp_path / "p.csv")
    assert "\n" not in str(told.value)
