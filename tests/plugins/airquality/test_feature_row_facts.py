"""Features of a row by itself: calendar, sun, wind, what is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from harness_airquality.making.calendar import Calendar
from harness_airquality.making.missing import Missing
from harness_airquality.making.solar import Solar
from harness_airquality.making.wind import Wind

from harness.errors import DataError


def rows(times, latitude=0.0, longitude=0.0, **covariates):
    n = len(times)
    facts = {
        "place": np.array(["a"] * n, dtype=object),
        "time": pd.to_datetime(times).astype("datetime64[ns]"),
        "latitude": np.full(n, latitude),
        "longitude": np.full(n, longitude),
        "region": np.array([""] * n, dtype=object),
    }
    return pd.DataFrame({**facts, **covariates})


def test_the_calendar_is_a_circle_of_known_angles():
    made = Calendar("1h").fit_transform(rows(["2024-01-01 06:00", "2024-07-07 18:00"]))
    assert list(made) == list(Calendar("1h").get_feature_names_out())
    monday, sunday = made.iloc[0], made.iloc[1]
    assert monday[["hour_sin", "hour_cos"]].to_list() == pytest.approx([1, 0])
    assert monday[["weekday_sin", "yearday_cos", "month_cos"]].to_list() == pytest.approx([0, 1, 1])
    assert sunday[["hour_sin", "month_cos"]].to_list() == pytest.approx([-1, -1])
    assert sunday["weekday_sin"] == pytest.approx(np.sin(2 * np.pi * 6 / 7))
    assert sunday["yearday_cos"] == pytest.approx(np.cos(2 * np.pi * 188 / 366))  # a leap year
    assert made["weekend"].to_list() == [0, 1]


def test_days_have_no_hour():
    made = Calendar("1D").fit_transform(rows(["2024-01-01 06:00"]))
    assert not any(name.startswith("hour") for name in made)


@pytest.mark.parametrize(
    ("time", "latitude", "declination", "elevation", "hours"),
    [
        ("2023-03-20 12:07", 0.0, -0.1, 90.0, 12.1),  # the sun is overhead at the equator, about 7 minutes late
        ("2023-06-21 12:02", 52.0, 23.44, 61.4, 16.8),  # NOAA's calculator for 52 N, 0 E
        ("2023-12-21 11:58", 52.0, -23.44, 14.6, 7.65),
        ("2023-06-21 12:00", 80.0, 23.44, 33.4, 24.0),
        ("2023-12-21 12:00", 80.0, -23.44, -13.4, 0.0),
    ],
)
@pytest.mark.parametrize("step", ["1h", "1D"])
def test_the_sun_stands_where_noaa_says(time, latitude, declination, elevation, hours, step):
    made = Solar(step).fit_transform(rows([time], latitude)).iloc[0]
    assert made["solar_declination"] == pytest.approx(declination, abs=0.5)
    assert made["solar_elevation"] == pytest.approx(elevation, abs=0.6)  # the equations are a day off in some years
    assert made["solar_day_length"] == pytest.approx(hours, abs=0.1)


def test_clock_and_longitude_move_the_sun_alike():
    greenwich = Solar("1h").fit_transform(rows(["2023-05-01 12:00"], 10.0, 0.0))
    nairobi = Solar("1h", utc_offset=3.0).fit_transform(rows(["2023-05-01 12:00"], 10.0, 45.0))
    late = Solar("1h").fit_transform(rows(["2023-05-01 16:00"], 10.0, 0.0))
    assert nairobi["solar_elevation"][0] == pytest.approx(greenwich["solar_elevation"][0], abs=1e-9)
    assert late["solar_elevation"][0] == pytest.approx(30.0, abs=2.0)  # about 60 degrees past noon


def test_without_coordinates_the_season_remains():
    made = Solar("1D").fit_transform(rows(["2023-06-21"], np.nan)).iloc[0]
    assert made.isna().to_dict() == {"solar_declination": False, "solar_elevation": True, "solar_day_length": True}


def test_wind_of_components_blows_from_the_other_side():
    table = rows(["2023-01-01"] * 4, u=[-2.0, 0.0, 3.0, np.nan], v=[0.0, 0.0, 4.0, 1.0])
    made = Wind("u", "v").fit_transform(table)
    assert made["wind_from_sin"].to_list()[:3] == pytest.approx([1, 0, -0.6])
    assert made["wind_from_cos"].to_list()[:3] == pytest.approx([0, 0, -0.8])
    assert made["wind_speed"].to_list()[:3] == [2, 0, 5]
    assert made.iloc[3].isna().all()


def test_wind_of_compass_points_and_degrees():
    points = pd.Categorical(["NW", "cv", "S", None, "??"])
    table = rows(["2023-01-01"] * 5, cbwd=points, Iws=[2.0, 1.0, 3.0, 1.0, 1.0], degrees=[315.0, 0, 180, 1, 1])
    made = Wind(blows_from="cbwd", speed="Iws").fit_transform(table)
    half = np.sqrt(0.5)
    assert made["wind_from_sin"].to_list()[:3] == pytest.approx([-half, 0, 0])
    assert made["wind_from_cos"].to_list()[:3] == pytest.approx([half, 0, -1])
    assert made["wind_u"].to_list()[:3] == pytest.approx([2 * half, 0, 0])
    assert made["wind_v"].to_list()[:3] == pytest.approx([-2 * half, 0, 3])
    assert made.iloc[3:].isna().all(axis=None)
    degrees = Wind(blows_from="degrees", speed="Iws").fit_transform(table)
    pd.testing.assert_frame_equal(degrees.iloc[[0, 2]], made.iloc[[0, 2]])


def test_wind_names_the_column_it_lacks():
    with pytest.raises(DataError, match="no column 'cbdw' of the wind; did you mean 'cbwd'"):
        Wind(blows_from="cbdw").fit_transform(rows(["2023-01-01"], cbwd=pd.Categorical(["N"])))
    with pytest.raises(DataError, match="'cbwd' holds categories"):
        Wind("cbwd", "cbwd").fit_transform(rows(["2023-01-01"], cbwd=pd.Categorical(["N"])))


def test_flags_are_of_columns_that_are_missing_together():
    gap = np.nan
    train = rows(
        ["2023-01-01"] * 3,
        no2=[1.0, gap, 2.0],
        no2_angle=[3.0, gap, 4.0],
        dust=pd.Categorical([None, "x", "y"]),
        never=[gap] * 3,
        always=[1.0] * 3,
    )
    kind = Missing().fit(train)
    made = kind.transform(train)
    assert list(made) == ["missing_no2", "missing_dust", "missing_count"]
    assert made.to_numpy().tolist() == [[0, 1, 2], [1, 0, 3], [0, 0, 1]]
    half = kind.transform(train.iloc[[0]].assign(no2_angle=gap))
    assert half["missing_no2"].to_list() == [0.5]
