"""Conformal intervals: quantiles by hand, coverage on exchangeable and on grouped data, and what may go wrong."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from harness_airquality.interval_shape import weighted_quantile
from harness_airquality.intervals import adjusters
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data import DatasetInfo, TaskType
from harness.errors import ConfigError, HarnessError, PluginError
from harness.offers import Adjuster, AdjusterInput, Adjustment
from harness.params import parse_params
from harness.testing import check_adjuster, failures

OFFER: Adjuster = next(iter(adjusters()))
INFO = DatasetInfo("stations", TaskType.REGRESSION, roles={"group": "place", "region": "region"})


def build(info: DatasetInfo = INFO, **given) -> Adjustment:
    return OFFER.build(parse_params(OFFER.params, given, "test"), info)


def fitted(values, targets, meta=None, weights=None, **given) -> Adjustment:
    values = np.asarray(values, dtype=np.float64)
    values = values.reshape(len(targets), -1)
    adjustment = build(**given)
    adjustment.fit(AdjusterInput(values, np.asarray(targets, dtype=np.float64), weights, meta, None, None, 0))
    return adjustment


def covered(out, targets) -> np.ndarray:
    return (out[:, 1] <= targets) & (targets <= out[:, 2])


# ----------------------------------------------------------------------------------------------------------- quantiles


@given(
    n=st.integers(1, 60),
    level=st.sampled_from([0.5, 0.8, 0.9, 0.95]),
    seed=st.integers(0, 1000),
)
def test_the_quantile_is_the_finite_sample_one(n, level, seed):
    values = np.random.default_rng(seed).normal(size=n)
    rank = math.ceil((n + 1) * level - 1e-9)
    expected = np.sort(values)[rank - 1] if rank <= n else math.inf
    assert weighted_quantile(values, np.ones(n), level, beyond=1.0) == expected


def test_places_weigh_the_same_however_many_rows_they_have():
    # four places, one with 97 rows of 0: of a total of 5 with the one to come, 0.6 is reached at the third place
    values = np.concatenate([np.zeros(97), [1.0, 2.0, 3.0]])
    weights = np.concatenate([np.full(97, 1 / 97), np.ones(3)])
    assert weighted_quantile(values, weights, 0.6, beyond=1.0) == 2.0
    assert weighted_quantile(values, np.ones(100), 0.6, beyond=1.0) == 0.0


def test_one_row_gives_its_own_residual_on_both_sides():
    adjustment = fitted([[10.0]], [12.0])
    np.testing.assert_allclose(
        adjustment.apply(np.array([[10.0], [30.0], [1.0]]), None), [[10, 8, 12], [30, 28, 32], [1, 0, 3]]
    )
    assert "too few for 90%" in adjustment.notes[1]


def test_a_models_own_interval_is_widened_as_worked_out_by_hand():
    # one row is judged by the model's ends alone: 30 lies 2 above 28; both ends move by 2
    adjustment = fitted([[20.0, 15.0, 28.0]], [30.0])
    np.testing.assert_allclose(adjustment.apply(np.array([[5.0, 4.0, 9.0]]), None), [[5, 2, 11]])


def conformalized_by_hand(base, targets, coverage, parts=5):
    """The published correction of each end, written for one region, places of one row and equal weights."""
    n = len(targets)

    def shifts(rows):
        rank = math.ceil(len(rows) * (1 - (1 - coverage) / 2) - 1e-9) - 1
        return np.sort(base[rows, 0] - targets[rows])[rank], np.sort(targets[rows] - base[rows, 1])[rank]

    scores = np.empty(n)
    for row in range(n):
        below, above = shifts([other for other in range(n) if other % parts != row % parts])
        scores[row] = max(base[row, 0] - targets[row] - below, targets[row] - base[row, 1] - above)
    margin = np.sort(scores)[math.ceil((n + 1) * coverage - 1e-9) - 1]
    return [shift + margin for shift in shifts(list(range(n)))]


def test_a_models_own_intervals_are_corrected_as_worked_out_by_brute_force():
    rng = np.random.default_rng(3)
    point = rng.uniform(200, 300, 83)
    targets = point + rng.gumbel(0, 10, 83)
    values = np.column_stack([point, point - 5, point + 5])
    below, above = conformalized_by_hand(values[:, 1:], targets, 0.8)
    out = fitted(values, targets, coverage=0.8).apply(values, None)
    np.testing.assert_allclose(out, np.column_stack([point, point - 5 - below, point + 5 + above]))
    assert above > 1.3 * below, "the noise is skewed, so that the upper end moves further"


def test_intervals_that_are_too_wide_are_narrowed():
    rng = np.random.default_rng(5)
    targets = 100 + rng.normal(size=400)
    values = np.column_stack([np.full(400, 100.0), np.full(400, 50.0), np.full(400, 150.0)])
    out = fitted(values, targets).apply(values[:1], None)
    np.testing.assert_allclose(out, [[100, 98.3, 101.7]], atol=0.35)


# ------------------------------------------------------------------------------------------------------------ coverage


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("n", [30, 400])
def test_coverage_of_exchangeable_rows_is_nominal(n, columns):
    hits, new = [], 200
    for seed in range(60):
        rng = np.random.default_rng(seed)
        point = rng.uniform(5, 80, n + new)
        targets = point * np.exp(rng.normal(0, 0.3, n + new))
        values = np.column_stack([point, 0.8 * point, 1.2 * point])[:, :columns]
        out = fitted(values[:n], targets[:n]).apply(values[n:], None)
        hits.append(covered(out, targets[n:]).mean())
    # what calibration rows happen to be drawn moves a seed's coverage, with sd of about sqrt(.09 / n)
    doubt = 4 * math.sqrt(0.09 / n + 0.09 / new) / math.sqrt(len(hits))
    assert 0.9 - doubt <= np.mean(hits) <= 0.9 + 2 / n + doubt + 0.01


def test_skewed_noise_is_missed_about_as_often_above_as_below():
    rng = np.random.default_rng(1)
    point = rng.uniform(10, 60, 8000)
    targets = point - 8 + rng.exponential(8, 8000)
    out = fitted(point[:4000], targets[:4000]).apply(point[4000:, None], None)
    above, below = (targets[4000:] > out[:, 2]).mean(), (targets[4000:] < out[:, 1]).mean()
    assert 0.035 < above < 0.065
    assert 0.035 < below < 0.065
    assert (out[:, 2] - out[:, 0]).mean() > 1.5 * (out[:, 0] - out[:, 1]).mean()


def test_the_spread_follows_the_level_of_the_prediction():
    rng = np.random.default_rng(2)
    point = rng.uniform(10, 100, 6000)
    targets = point * (1 + 0.2 * rng.normal(size=6000))
    out = fitted(point[:3000], targets[:3000]).apply(point[3000:, None], None)
    width = out[:, 2] - out[:, 1]
    low, high = point[3000:] < 30, point[3000:] > 80
    assert width[high].mean() > 3 * width[low].mean()
    for rows in (low, high):
        assert 0.85 < covered(out, targets[3000:])[rows].mean() < 0.95


def regions_of(seed: int, places: int, rows: int):
    """Two regions of equal levels, one of which varies four times as much; places add an error of their own."""
    rng = np.random.default_rng(seed)
    n = 2 * places * rows
    place = np.arange(n) // rows
    region = np.where(place < places, "calm", "wild")
    scale = np.where(region == "wild", 8.0, 2.0)
    point = rng.uniform(40, 60, n)
    error = 0.7 * rng.normal(size=2 * places)[place] + 0.7 * rng.normal(size=n)
    meta = pd.DataFrame({"place": [f"p{code}" for code in place], "region": region})
    return point, point + scale * error, meta


def worst_gap(by: str) -> float:
    gaps = []
    for seed in range(6):
        point, targets, meta = regions_of(seed, places=80, rows=12)
        new_point, new_targets, new_meta = regions_of(seed + 100, places=80, rows=12)
        out = fitted(point, targets, meta, by=by).apply(new_point[:, None], None, new_meta)
        hit = pd.Series(covered(out, new_targets)).groupby(new_meta["region"]).mean()
        gaps.append(float((hit - 0.9).abs().max()))
    return float(np.mean(gaps))


def test_coverage_per_region_is_nearer_to_nominal_when_regions_are_corrected_apart():
    apart, alike = worst_gap("region"), worst_gap("")
    assert alike > 0.08
    assert apart < 0.7 * alike


def test_a_place_never_seen_is_covered_though_rows_of_a_place_share_its_error():
    def held_out(told: bool) -> float:
        hits = []
        for seed in range(40):
            rng = np.random.default_rng(seed)
            place = np.repeat(np.arange(80), 15)
            targets = 100 + 5 * rng.normal(size=80)[place] + rng.normal(size=len(place))
            seen = place < 20
            meta = pd.DataFrame({"place": place[seen].astype(str)}) if told else None
            values = np.full((len(place), 1), 100.0)
            adjustment = fitted(values[seen], targets[seen], meta)
            hits.append(covered(adjustment.apply(values[~seen], None), targets[~seen]).mean())
        return float(np.mean(hits))

    assert 0.88 <= held_out(told=True) <= 0.97
    assert held_out(told=False) < 0.88, "rows taken for independent promise too much"


# ------------------------------------------------------------------------------------------------------------- regions


def test_a_region_of_five_rows_and_one_never_seen_take_the_correction_of_all():
    point, targets, meta = regions_of(0, places=30, rows=10)
    meta.loc[meta.index[:5], "region"] = "small"
    adjustment = fitted(point, targets, meta)
    given = np.full((5, 1), 50.0)
    named = pd.DataFrame({"region": ["small", "never seen", None, "calm", "wild"]})
    out = adjustment.apply(given, None, named)
    np.testing.assert_array_equal(out[0], out[1])
    np.testing.assert_array_equal(out[0], out[2])
    np.testing.assert_array_equal(out[0], adjustment.apply(given, None)[0])
    assert out[3, 2] < out[0, 2] < out[4, 2]
    assert adjustment.notes == [
        "intervals of 90% from 600 rows of 60 places; corrected apart: calm, wild; fewer than 20 rows, as all: small"
    ]


def test_more_shrinkage_brings_a_region_nearer_to_all():
    point, targets, meta = regions_of(0, places=30, rows=10)
    named, given = pd.DataFrame({"region": ["wild", ""]}), np.full((2, 1), 50.0)

    def apart(shrinkage: float) -> float:
        upper = fitted(point, targets, meta, shrinkage=shrinkage).apply(given, None, named)[:, 2]
        return float(upper[0] - upper[1])

    assert apart(0.0) > apart(30.0) > apart(1000.0) > 0


def test_regions_may_be_of_another_column_and_one_that_is_not_there_is_refused():
    point, targets, meta = regions_of(0, places=5, rows=10)
    meta["zone"] = meta["region"]
    assert "corrected apart: calm, wild" in fitted(point, targets, meta, by="zone").notes[0]
    with pytest.raises(ConfigError, match="by = 'zones': the rows' meta has no such column; did you mean 'zone'"):
        fitted(point, targets, meta, by="zones")
    assert "apart" not in fitted(point, targets, meta[["place"]]).notes[0]


# ------------------------------------------------------------------------------------------------------------ soundness


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    places=st.integers(1, 6),
    columns=st.sampled_from([1, 3]),
    constant=st.booleans(),
    shift=st.sampled_from([-30.0, 0.0, 30.0]),
    coverage=st.sampled_from([0.5, 0.9, 0.99]),
    seed=st.integers(0, 10_000),
)
def test_ends_are_in_order_and_finite_whatever_is_given(n, places, columns, constant, shift, coverage, seed):
    rng = np.random.default_rng(seed)
    values = np.full((n, columns), 7.0) if constant else rng.normal(10, 8, (n, columns))
    targets = np.full(n, 7.0) if constant and seed % 2 else shift + np.abs(rng.normal(0, 20, n))
    meta = pd.DataFrame({"place": rng.integers(0, places, n).astype(str), "region": rng.choice(["a", "b", ""], n)})
    original = values.copy()
    adjustment = fitted(values, targets, meta, coverage=coverage, min_rows=3, level_rows=20)
    out = adjustment.apply(values, None, meta)
    assert np.isfinite(out).all()
    assert (out[:, 1] <= out[:, 0]).all()
    assert (out[:, 0] <= out[:, 2]).all()
    np.testing.assert_array_equal(values, original)
    if targets.min() >= 0:
        assert (out[:, 1] >= 0).all()
        np.testing.assert_array_equal(out[:, 0], np.maximum(values[:, 0], 0))
    else:
        np.testing.assert_array_equal(out[:, 0], values[:, 0])
    again = build(coverage=coverage)
    again.restore(json.loads(json.dumps(adjustment.state(), allow_nan=False)))
    np.testing.assert_array_equal(again.apply(values, None, meta), out)
    assert again.notes == adjustment.notes


def test_the_order_of_rows_and_names_of_places_hardly_matter():
    point, targets, meta = regions_of(0, places=20, rows=10)
    order = np.random.default_rng(0).permutation(len(point))
    one = fitted(point, targets, meta).apply(point[:, None], None, meta)
    other = fitted(point[order], targets[order], meta.iloc[order].reset_index(drop=True))
    np.testing.assert_allclose(other.apply(point[:, None], None, meta), one, rtol=1e-9)


@pytest.mark.parametrize("columns", [2, 4])
def test_other_numbers_of_columns_are_refused(columns):
    with pytest.raises(PluginError, match=f"have {columns} columns; expected 1"):
        fitted(np.ones((5, columns)), np.ones(5))


def test_points_are_refused_where_intervals_were_learned_from():
    adjustment = fitted(np.ones((5, 3)), np.ones(5))
    with pytest.raises(HarnessError, match="learned from predictions of 3 columns, got 1"):
        adjustment.apply(np.ones((5, 1)), None)


def test_the_offer_keeps_the_contract():
    assert failures(check_adjuster(OFFER)) == []
    assert build().columns == ("point", "lower", "upper")
    assert build().decide(np.ones((2, 3))) is None
