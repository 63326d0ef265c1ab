"""Lags and windows against a slow obvious version, on rows that are irregular, doubled and out of order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from harness_airquality.making import lags
from harness_airquality.making.lags import Lags
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError

STATISTICS = ("mean", "std", "min", "max")


def table(rows, **more):
    """Return a table of (place, hour of 2024, value)."""
    places, hours, values = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "place": np.array(places, dtype=object),
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.array(hours, dtype=float), unit="h"),
            "latitude": 0.0,
            "longitude": 0.0,
            "region": "",
            "x": np.array(values, dtype=float),
            **more,
        }
    ).astype({"time": "datetime64[ns]", "region": object})


def slow(frame, mode, shifts, rolling):
    """Return the features of every row by looking at all rows, one feature at a time."""
    made = []
    hours = (frame["time"] - pd.Timestamp("2024-01-01")).dt.total_seconds().to_numpy() / 3600
    steps = np.floor(hours)
    for row in range(len(frame)):
        same = (frame["place"] == frame["place"][row]).to_numpy() & frame["x"].notna().to_numpy()
        found = {}
        for shift in shifts if mode == "forecast" else [*shifts, *(-shift for shift in shifts)]:
            values = frame["x"][same & (steps == steps[row] - shift)]
            found[f"x_{'lag' if shift > 0 else 'lead'}{abs(shift)}"] = values.mean() if len(values) else np.nan
        for length in rolling:
            if mode == "forecast":
                inside = (steps > steps[row] - length) & (steps < steps[row])
                inside[row] = True
            else:
                inside = (steps >= steps[row] - length // 2) & (steps < steps[row] - length // 2 + length)
            values = frame["x"][same & inside]
            for statistic in STATISTICS:
                found[f"x_{statistic}{length}"] = getattr(values, statistic)() if len(values) else np.nan
        made.append(found)
    return pd.DataFrame(made)


ROWS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(0, 90).map(lambda third: third / 3),
        st.one_of(st.just(np.nan), st.integers(-9, 9).map(float)),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[:2],
)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from(["reconstruct", "forecast"]), st.sampled_from([1, 40]))
def test_as_the_slow_version(rows, mode, chunk):
    frame = table(rows)
    before, lags.CHUNK = lags.CHUNK, chunk
    try:
        made = Lags(mode, (1, 2, 5), (1, 2, 3, 6), STATISTICS, step="1h").fit_transform(frame)
    finally:
        lags.CHUNK = before
    expected = slow(frame, mode, (1, 2, 5), (1, 2, 3, 6))
    pd.testing.assert_frame_equal(made, expected, check_dtype=False, rtol=1e-12, atol=1e-12)


def test_a_hand_worked_place():
    frame = table([("a", 3, 30.0), ("a", 1, 10.0), ("a", 2, 20.0), ("b", 2, 7.0), ("a", 6, 60.0)])
    past = Lags("forecast", (1,), (3,), ("mean", "max"), step="1h").fit_transform(frame)
    assert past["x_lag1"].tolist() == pytest.approx([20, np.nan, 10, np.nan, np.nan], nan_ok=True)
    assert past["x_mean3"].tolist() == [20, 10, 15, 7, 60]
    assert past["x_max3"].tolist() == [30, 10, 20, 7, 60]
    both = Lags("reconstruct", (1,), (3,), ("mean",), step="1h").fit_transform(frame)
    assert list(both) == ["x_lag1", "x_lead1", "x_mean3"]
    assert both["x_lead1"].tolist() == pytest.approx([np.nan, 20, 30, np.nan, np.nan], nan_ok=True)
    assert both["x_mean3"].tolist() == [25, 15, 20, 7, 60]


def test_later_rows_reach_into_training_rows_and_replace_them():
    train = table([("a", 1, 10.0), ("a", 2, 20.0)])
    kind = Lags("reconstruct", (1,), (), step="1h").fit(train)
    made = kind.transform(table([("a", 3, 30.0), ("z", 3, 1.0)]))
    assert made["x_lag1"].tolist() == pytest.approx([20, np.nan], nan_ok=True)
    again = kind.transform(table([("a", 2, 99.0), ("a", 3, 30.0)]))
    assert again["x_lag1"].tolist() == [10, 99]
    assert kind.transform(train)["x_lead1"].tolist() == pytest.approx([20, np.nan], nan_ok=True)


def test_windows_do_not_drift():
    big = table([("a", 0, 1e12), *(("a", hour, 0.1) for hour in range(1, 40))])
    made = Lags("forecast", (), (5,), STATISTICS, step="1h").fit_transform(big)
    assert (made["x_mean5"][5:] == 0.1).all()
    assert (made["x_std5"][5:] == 0).all()


def test_bytes_do_not_depend_on_chunks_or_order(monkeypatch):
    rng = np.random.default_rng(0)
    frame = table([(place, hour, rng.normal()) for place in "abcdefgh" for hour in range(60) if rng.random() < 0.8])
    one = Lags("forecast", (1, 3), (4, 9), STATISTICS, step="1h").fit_transform(frame)
    monkeypatch.setattr(lags, "CHUNK", 64)
    many = Lags("forecast", (1, 3), (4, 9), STATISTICS, step="1h").fit_transform(frame)
    assert one.to_numpy().tobytes() == many.to_numpy().tobytes()
    order = rng.permutation(len(frame))
    mixed = Lags("forecast", (1, 3), (4, 9), STATISTICS, step="1h").fit_transform(frame.iloc[order])
    np.testing.assert_array_equal(mixed.to_numpy(), one.to_numpy()[order])


def test_patterns_choose_covariates():
    frame = table([("a", 1, 1.0)], no2_a=1.0, no2_b=2.0, kind=pd.Categorical(["q"]))
    assert Lags("forecast", (1,), patterns=("no2_*",), step="1h").fit(frame).columns_ == ["no2_a", "no2_b"]
    assert Lags("forecast", (1,), step="1h").fit(frame).columns_ == ["x", "no2_a", "no2_b"]
    with pytest.raises(DataError, match="'no3_a' fits no covariate that is a number; did you mean 'no2_a'"):
        Lags("forecast", (1,), patterns=("no3_a",), step="1h").fit(frame)


def test_infinite_values_count_as_missing():
    made = Lags("forecast", (1,), (2,), STATISTICS, step="1h").fit_transform(
        table([("a", 1, np.inf), ("a", 2, 4.0), ("a", 3, -np.inf)])
    )
    assert made["x_lag1"].tolist() == pytest.approx([np.nan, np.nan, 4], nan_ok=True)
    assert made["x_max2"].tolist() == pytest.approx([np.nan, 4, 4], nan_ok=True)
