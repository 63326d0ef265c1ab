"""What other places tell of a row, against a slow obvious version and cases worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from harness_airquality.making.neighbours import Neighbours
from harness_airquality.making.places import haversine
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError

PLACES = {
    "a": (0.0, 30.0, "x"),
    "b": (0.0, 31.0, "x"),
    "c": (0.5, 30.0, "x"),
    "d": (9.0, 40.0, "y"),
    "e": (9.0, 41.0, "y"),
}


def table(rows):
    """Return a table and targets of (place, day of 2024, target)."""
    places, days, targets = zip(*rows, strict=True)
    frame = pd.DataFrame(
        {
            "place": np.array(places, dtype=object),
            "time": (pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")).astype("datetime64[ns]"),
            "latitude": [PLACES[place][0] for place in places],
            "longitude": [PLACES[place][1] for place in places],
            "region": np.array([PLACES[place][2] for place in places], dtype=object),
        }
    )
    return frame, np.array(targets, dtype=float)


def slow(frame, train, targets, kind, window):
    """Return one window's features of every row by looking at all training rows."""
    day, known = frame["time"].dt.day_of_year.to_numpy(), train["time"].dt.day_of_year.to_numpy()
    made = []
    for row in range(len(frame)):
        counts = {}
        for place in sorted(set(train["place"]) - {frame["place"][row]}):
            back = day[row] - known
            if kind.mode == "forecast":
                near = (back >= kind.horizon) & (back <= kind.horizon + window)
            else:
                near = abs(back) <= window
            chosen = np.flatnonzero(near & (train["place"] == place).to_numpy())
            if len(chosen):
                latest = chosen[known[chosen] == known[chosen].max()]
                counts[place] = targets[latest if kind.mode == "forecast" else chosen].mean()
        here = PLACES[frame["place"][row]]
        far = {p: float(haversine(*here[:2], np.array([PLACES[p][0]]), np.array([PLACES[p][1]]))[0]) for p in counts}
        first = sorted(counts, key=lambda place: far[place])[: kind.nearest]
        weights = [far[place] ** -kind.power for place in first]
        region = [value for place, value in counts.items() if PLACES[place][2] == here[2]]
        made.append(
            [
                np.average([counts[place] for place in first], weights=weights) if first else np.nan,
                min(far.values(), default=np.nan),
                len(counts),
                np.mean(region) if region else np.nan,
                np.median(region) if region else np.nan,
            ]
        )
    return np.array(made)


ROWS = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(0, 12), st.integers(0, 50)),
    min_size=1,
    max_size=30,
    unique_by=lambda row: row[:2],
)


@settings(deadline=None, max_examples=60)
@given(ROWS, ROWS, st.sampled_from(["reconstruct", "forecast"]), st.integers(1, 3), st.integers(1, 3))
def test_as_the_slow_version(rows, others, mode, nearest, horizon):
    train, targets = table(rows)
    kind = Neighbours(mode, nearest, (0, 2), 1.5, horizon, climatology=False).fit(train, targets)
    for frame in (train, table(others)[0]):
        made = kind.transform(frame).to_numpy()
        expected = np.hstack([slow(frame, train, targets, kind, window) for window in (0, 2)])
        np.testing.assert_allclose(made, expected, rtol=1e-12)


def test_a_hand_worked_day():
    train, targets = table([("a", 0, 100), ("b", 0, 10), ("c", 0, 40), ("c", 1, 7)])
    made = Neighbours(nearest=2, windows=(0, 1), power=1.0).fit(train, targets).transform(train).iloc[0]
    # b is 1 degree away on the equator, c half a degree on the meridian: weights 1 and 2
    assert made["near_mean_0"] == pytest.approx((10 + 2 * 40) / 3)
    assert made["near_distance_0"] == pytest.approx(0.5 * 111.195, rel=1e-4)
    assert made["near_count_0"] == 2
    assert made["region_mean_0"] == 25
    assert made["region_mean_1"] == pytest.approx((10 + 23.5) / 2)
    assert made["region_month_mean"] == pytest.approx((10 + 40 + 7) / 3)
    assert made["region_month_median"] == 10


def test_only_months_of_the_region_count():
    train, targets = table([("a", 0, 1), ("b", 3, 10), ("b", 40, 20), ("d", 4, 500)])
    kind = Neighbours(windows=(0,)).fit(train, targets)
    made = kind.transform(table([("a", 9, 0), ("c", 41, 0), ("e", 41, 0)])[0])
    assert made["region_month_mean"].tolist() == pytest.approx([10, 20, np.nan], nan_ok=True)
    ahead = Neighbours("forecast", windows=(0,), horizon=3).fit(train, targets)
    made = ahead.transform(table([("a", 5, 0), ("a", 6, 0), ("c", 41, 0), ("c", 300, 0)])[0])
    assert made["region_month_mean"].tolist() == pytest.approx([np.nan, 10, np.nan, np.nan], nan_ok=True)
    assert "region_month_median" not in made


def test_sensors_on_one_roof_and_places_without_coordinates():
    train, targets = table([("a", 0, 5), ("b", 0, 9)])
    kind = Neighbours(windows=(0,), power=8.0).fit(train, targets)
    roof = train.iloc[[1]].assign(place="new")
    made = kind.transform(roof)
    assert made["near_mean_0"][0 if 0 in made.index else made.index[0]] == pytest.approx(9)
    nowhere = kind.transform(roof.assign(latitude=np.nan)).iloc[0]
    assert np.isnan(nowhere["near_mean_0"])
    assert nowhere["near_count_0"] == 0
    assert nowhere["region_mean_0"] == 7


def test_alone_or_without_known_targets_all_is_missing():
    train, targets = table([("a", 0, 5), ("a", 1, 6)])
    for known in (targets, np.full(2, np.nan)):
        made = Neighbours().fit(train, known).transform(train)
        assert made.filter(regex="mean|median|distance").isna().all(axis=None)
        assert (made.filter(like="count") == 0).all(axis=None)
    with pytest.raises(DataError, match="need the targets"):
        Neighbours().fit(train, None)


@settings(deadline=None, max_examples=30)
@given(ROWS, st.sampled_from(["reconstruct", "forecast"]), st.data())
def test_a_place_never_sees_its_own_targets(rows, mode, data):
    train, targets = table(rows)
    place = data.draw(st.sampled_from(sorted(set(train["place"]))))
    own = (train["place"] == place).to_numpy()
    before = Neighbours(mode).fit(train, targets).transform(train)
    after = Neighbours(mode).fit(train, np.where(own, 1e6 - targets, targets)).transform(train)
    pd.testing.assert_frame_equal(before[own], after[own])
    held_out = Neighbours(mode).fit(train[~own], targets[~own]).transform(train[own])
    np.testing.assert_allclose(held_out, before[own], rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(ROWS, st.sampled_from(["reconstruct", "forecast"]), st.randoms(use_true_random=False))
def test_order_changes_nothing(rows, mode, random):
    train, targets = table(rows)
    order = np.array(random.sample(range(len(train)), len(train)))
    one = Neighbours(mode).fit(train, targets).transform(train)
    mixed = Neighbours(mode).fit(train.iloc[order], targets[order]).transform(train.iloc[order])
    np.testing.assert_array_equal(mixed.to_numpy(), one.to_numpy()[order])


@settings(deadline=None, max_examples=30)
@given(ROWS, st.sampled_from(["reconstruct", "forecast"]), st.data())
def test_a_target_shifted_by_a_day_changes_only_rows_that_reach_it(rows, mode, data):
    train, targets = table(rows)
    kind = Neighbours(mode, windows=(0, 2), climatology=False)
    before = kind.fit(train, targets).transform(train)
    moved = data.draw(st.integers(0, len(train) - 1))
    shifted = train.copy()
    shifted.loc[moved, "time"] += pd.Timedelta("1D")
    after = kind.fit(shifted, targets).transform(train)
    gap = (train["time"] - train["time"][moved]).dt.days.to_numpy()
    reach = (gap >= 1) & (gap <= 4) if mode == "forecast" else (gap >= -2) & (gap <= 3)
    untouched = ~reach | (train["place"] == train["place"][moved]).to_numpy()
    pd.testing.assert_frame_equal(before[untouched], after[untouched])
