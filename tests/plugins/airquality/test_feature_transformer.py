"""The features as a run uses them: nothing of the future, rows in any order, saved and loaded, whatever is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from harness_airquality.features import FeaturesParams, features
from harness_airquality.making import transformer
from harness_airquality.stations import NOT_INPUT
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data import DatasetInfo, TaskType
from harness.errors import ConfigError, DataError
from harness.offers import BuildContext
from harness.params import parse_params
from harness.testing import check_features
from harness.testing.findings import SKIPPED

INFO = DatasetInfo("toy", TaskType.REGRESSION, extra={"step": "1D"})
ALL = {
    "rolling": [1, 3],
    "wind_from": "cbwd",
    "wind_speed": "x",
    "neighbour_windows": [0, 2],
}


def built(info=INFO, **given):
    (offer,) = features()
    return offer.build(parse_params(FeaturesParams, given, "test"), info, BuildContext(threads=2))


def stations(seed=0, rows=60, places="abcd", days=14):
    """Return inputs and targets of so many random rows; two may fall on one day."""
    rng = np.random.default_rng(seed)
    cells = rng.choice(len(places) * days * 2, rows, replace=False)
    place, half = np.divmod(cells, days * 2)
    frame = pd.DataFrame(
        {
            "place": np.array(list(places), dtype=object)[place],
            "time": (pd.Timestamp("2024-01-25") + pd.to_timedelta(half * 12, unit="h")).astype("datetime64[ns]"),
            "latitude": place / 2,
            "longitude": 30.0 + place,
            "region": np.array(["x", "y"], dtype=object)[place % 2],
            "x": np.where(rng.random(rows) < 0.2, np.nan, rng.gamma(2.0, 1.0, rows)),
            "cbwd": pd.Categorical(rng.choice(["NW", "SE", "cv"], rows), categories=["NW", "SE", "cv"]),
            "empty": np.nan,
        }
    )
    return frame, rng.gamma(2.0, 20.0, rows)


def same(one, other):
    pd.testing.assert_frame_equal(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", ["reconstruct", "forecast"])
def test_training_rows_look_the_same_when_they_come_again(mode):
    frame, targets = stations()
    kind = built(mode=mode, **ALL)
    first = kind.fit_transform(frame, targets)
    pd.testing.assert_frame_equal(first, kind.transform(frame))
    assert len(first) == len(frame)
    assert not set(NOT_INPUT) & set(first)
    assert list(first)[:5] == ["latitude", "longitude", "x", "cbwd", "empty"]
    assert not np.isinf(first.drop(columns="cbwd")).any(axis=None)
    assert first.columns.is_unique


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(0, 59), st.booleans())
def test_forecasting_nothing_of_a_row_depends_on_later_rows(seed, at, removed):
    frame, targets = stations(seed)
    now = frame["time"][at]
    past = (frame["time"] <= now).to_numpy()
    before = built(mode="forecast", **ALL).fit_transform(frame, targets)
    if removed:
        after = built(mode="forecast", **ALL).fit_transform(frame[past].copy(), targets[past])
    else:
        other = frame.assign(x=frame["x"].where(past, 9 * frame["x"]), cbwd=frame["cbwd"].where(past, "SE"))
        after = built(mode="forecast", **ALL).fit_transform(other, np.where(past, targets, 7 * targets))[past]
    # which covariates have a flag is learned from all training rows; what a flag says is of its row
    shared = [name for name in before if name in after]
    assert {*before} ^ {*after} <= {"missing_x"}
    same(before.loc[past, shared].reset_index(drop=True), after[shared].reset_index(drop=True))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.integers(0, 29))
def test_forecasting_nothing_of_a_new_row_depends_on_later_new_rows(seed, at):
    frame, targets = stations(seed)
    order = np.argsort(frame["time"].to_numpy(), kind="stable")
    kind = built(mode="forecast", **ALL)
    kind.fit_transform(frame.iloc[order[:30]], targets[order[:30]])
    new = frame.iloc[order[30:]].reset_index(drop=True)
    past = (new["time"] <= new["time"][at]).to_numpy()
    changed = new.assign(x=new["x"].where(past, -5.0))
    same(kind.transform(new)[past], kind.transform(changed)[past])
    same(kind.transform(new)[past], kind.transform(new[past]))


def test_to_reconstruct_the_future_is_used():
    frame, targets = stations()
    made = built(**ALL).fit_transform(frame, targets)
    assert made["x_lead1"].notna().any()
    assert not any("lead" in name for name in built(mode="forecast").fit_transform(frame, targets))


@pytest.mark.parametrize("mode", ["reconstruct", "forecast"])
def test_the_order_of_rows_changes_nothing(mode):
    frame, targets = stations(3)
    order = np.random.default_rng(1).permutation(len(frame))
    one = built(mode=mode, **ALL).fit_transform(frame, targets)
    mixed = built(mode=mode, **ALL).fit_transform(frame.iloc[order], targets[order])
    pd.testing.assert_frame_equal(mixed, one.iloc[order].reset_index(drop=True))


@pytest.mark.parametrize("mode", ["reconstruct", "forecast"])
def test_what_is_saved_transforms_alike(tmp_path, mode):
    frame, targets = stations()
    kind = built(mode=mode, **ALL)
    kind.fit_transform(frame, targets)
    kind.save(tmp_path)
    again = built(mode=mode, **ALL)
    again.load(tmp_path)
    new = stations(9, places="bcde")[0]
    for rows in (frame, new, new.iloc[[0]]):
        pd.testing.assert_frame_equal(kind.transform(rows), again.transform(rows))
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".parquet"}


def test_history_is_kept_only_for_lags(tmp_path):
    frame, targets = stations()
    kind = built(lags=[], neighbours=0)
    kind.fit_transform(frame, targets)
    kind.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [transformer.FILE]


@pytest.mark.parametrize("mode", ["reconstruct", "forecast"])
def test_strange_rows_have_features_too(mode):
    frame, targets = stations()
    kind = built(mode=mode, **ALL)
    usual = kind.fit_transform(frame, targets)
    alone = frame.iloc[[0]].assign(
        place="new", region="new", latitude=np.nan, longitude=np.nan, x=np.nan, cbwd=pd.Categorical([None])
    )
    made = kind.transform(alone)
    assert list(made) == list(usual)
    assert made["x_lag1"].isna().all()
    assert made["weekday_sin"].notna().all()
    far = kind.transform(frame.iloc[[0]].assign(time=pd.Timestamp("1970-01-01")))
    assert far["near_mean_0"].isna().all()
    assert len(kind.transform(frame.iloc[:0])) == 0


def test_a_single_row_can_be_trained_on():
    frame, targets = stations()
    made = built(**ALL).fit_transform(frame.iloc[[0]], targets[:1])
    assert len(made) == 1
    assert made.filter(regex="^(near|region)_.*(mean|median)").isna().all(axis=None)


def test_mistakes_are_told():
    frame, targets = stations()
    with pytest.raises(ConfigError, match=r"lags = \[1, 0\]: expected different steps of at least 1"):
        built(lags=[1, 0])
    with pytest.raises(ConfigError, match="wind_u = 'u' needs wind_v"):
        built(wind_u="u")
    with pytest.raises(ConfigError, match="found both"):
        built(wind_u="u", wind_v="v", wind_from="w")
    with pytest.raises(ConfigError, match="set neighbours = 0"):
        built(DatasetInfo("toy", TaskType.BINARY, ("n", "y")))
    with pytest.raises(DataError, match="makes columns that the data have: weekend"):
        built().fit_transform(frame.assign(weekend=1.0), targets)
    with pytest.raises(DataError, match="has no place"):
        built().fit_transform(frame.drop(columns="place"), targets)
    with pytest.raises(DataError, match="1 rows have no time"):
        built().fit_transform(frame.assign(time=frame["time"].where(frame.index > 0)), targets)
    kind = built()
    kind.fit_transform(frame, targets)
    with pytest.raises(DataError, match="no column 'cbwd'"):
        kind.transform(frame.drop(columns="cbwd"))


def test_the_offer_keeps_the_contract():
    from harness.data import Dataset, Examples

    frame, targets = stations()
    ids = np.array([f"r{row}" for row in range(len(frame))], dtype=object)
    data = Dataset(INFO, Examples(ids, frame, targets), test=Examples(ids, frame))
    (offer,) = features()
    found = list(check_features(offer, dataset=data, hostile=True))
    assert found
    assert [finding for finding in found if finding.problem or finding.check.startswith(SKIPPED)] == []
