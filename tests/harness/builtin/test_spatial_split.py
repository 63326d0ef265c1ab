"""Spatial blocks: whole, dealt evenly, with a buffer that holds; and what cannot be cut is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import haversine_distances

from harness.builtin._splits.places import EARTH_KM, degrees_of, nearest_place, read_places, unit_vectors
from harness.builtin._splits.spatial import grid
from harness.builtin.splits import check_folds, harness_splitters
from harness.data import DatasetInfo, Examples, Fold, TaskType
from harness.errors import ConfigError, DataError
from harness.params import parse_params
from harness.testing import check_splitter
from harness.testing.findings import SKIPPED

SPATIAL = next(splitter for splitter in harness_splitters() if splitter.name == "spatial")
INFO = DatasetInfo("d", TaskType.REGRESSION)


def rows(latitude, longitude, scored=None, **meta):
    n = len(latitude)
    table = pd.DataFrame({"latitude": latitude, "longitude": longitude, **meta})
    ids = np.array([f"r{row}" for row in range(n)], dtype=object)
    return Examples(ids, np.zeros((n, 1)), np.zeros(n), table, None, None if scored is None else np.asarray(scored))


def params(**given):
    return parse_params(SPATIAL.params, given, "split")


def cut(data, **given):
    return list(SPATIAL.split(params(**given), data, INFO))


def km_between(data, some, others):
    """Great circle distances by scikit-learn's own matrix, (m, k)."""
    points = np.radians(data.meta[["latitude", "longitude"]].to_numpy(float))
    return haversine_distances(points[some], points[others]) * EARTH_KM


def cities(n_cities=12, per_city=8, seed=0):
    """Cities 300 km apart with sites within 5 km, ten rows a site."""
    rng = np.random.default_rng(seed)
    middles = np.column_stack([np.arange(n_cities) // 4 * 2.7, 20 + np.arange(n_cities) % 4 * 2.7])
    sites = np.repeat(middles, per_city, axis=0) + rng.uniform(-0.03, 0.03, (n_cities * per_city, 2))
    points = np.repeat(sites, 10, axis=0)
    city = np.repeat(np.arange(n_cities), per_city * 10)
    return rows(points[:, 0], points[:, 1], city=city, site=np.repeat(np.arange(len(sites)), 10))


@st.composite
def any_rows(draw):
    n = draw(st.integers(20, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    anywhere = draw(st.booleans())
    low, high = ((-90, -180), (90, 360)) if anywhere else ((-3, 178), (3, 182))
    places = rng.uniform(low, high, (draw(st.integers(6, 30)), 2))
    at = places[rng.integers(0, len(places), n)]
    scored = rng.random(n) < draw(st.sampled_from([0.6, 1.0]))
    scored[0] = True
    return rows(at[:, 0], at[:, 1], scored, group=rng.integers(0, 15, n))


@settings(max_examples=80, deadline=None)
@given(
    data=any_rows(),
    folds=st.integers(2, 4),
    block=st.sampled_from([0.0, 50.0, 500.0]),
    buffer=st.sampled_from([0.0, 30.0, 400.0]),
    group_on=st.sampled_from(["", "group"]),
)
def test_folds_of_any_rows(data, folds, block, buffer, group_on):
    given_ = {"folds": folds, "block": block, "buffer": buffer, "group_on": group_on}
    try:
        made = cut(data, **given_)
    except DataError as error:
        if "set fewer folds" not in str(error) and not (buffer and "set less buffer" in str(error)):
            raise
        reject()
    assert [fold.index for fold in made] == list(range(folds))
    assert sorted(np.concatenate([fold.valid for fold in made])) == data.scored_rows().tolist()
    for fold in made:
        assert fold.train.dtype == fold.valid.dtype == np.int64
        near = km_between(data, fold.train, fold.valid).min(axis=1)
        assert near.min() >= max(buffer, 1e-9) - 1e-6
        if group_on:
            group = data.meta["group"].to_numpy()
            assert not set(group[fold.train]) & set(group[fold.valid])
    assert check_folds(made, data, SPATIAL, params(**given_)) == []
    again = cut(data, **given_)
    assert all((a.train == b.train).all() and (a.valid == b.valid).all() for a, b in zip(made, again, strict=True))


@pytest.mark.parametrize("block", [0.0, 120.0])
def test_cities_stay_whole_and_folds_even(block):
    data = cities()
    made = cut(data, folds=3, block=block)
    assert [len(fold.valid) for fold in made] == [320] * 3
    for fold in made:
        assert len(set(data.meta["city"].to_numpy()[fold.valid])) == 4
        assert km_between(data, fold.train[::10], fold.valid[::10]).min() > 280


def test_without_a_buffer_all_rows_outside_of_the_blocks_train():
    data = cities()
    for fold in cut(data, folds=4):
        assert sorted([*fold.train, *fold.valid]) == list(range(len(data)))


def test_the_buffer_takes_exactly_the_rows_that_are_too_near():
    data = cities(n_cities=1, per_city=40)
    for fold in cut(data, folds=3, block=2.0, buffer=0.5):
        others = np.setdiff1d(np.arange(len(data)), fold.valid)
        far = km_between(data, others, fold.valid).min(axis=1) >= 0.5
        assert 0 < far.sum() < len(others)
        assert fold.train.tolist() == others[far].tolist()


def test_a_group_of_several_places_stays_whole():
    # the bus drives from one end to the other, past a site that then must go with it
    data = rows([0, 5, 5, 1, 2, 3] * 2, [10, 15, 15, 11, 12, 13] * 2, group=["bus", "bus", "post", "a", "b", "c"] * 2)
    for fold in cut(data, folds=4, group_on="group", block=10):
        whole = [set(data.meta["group"].iloc[side]) & {"bus", "post"} for side in (fold.train, fold.valid)]
        assert {len(part) for part in whole} == {0, 2}


def test_blocks_with_many_rows_do_not_meet_in_one_fold():
    places = np.repeat(np.arange(8), [40, 40, 5, 5, 5, 5, 5, 5])
    made = cut(rows(np.zeros(len(places)), places * 3.0), folds=2, block=100)
    assert [len(fold.valid) for fold in made] == [55, 55]


def test_the_date_line_and_the_poles_part_nothing():
    data = rows([1.0] * 4 + [89.99] * 4, [180, -180, 180, 179.9999, 0, 90, 180, 270])
    assert len(read_places(data, "latitude", "longitude").points) == 6
    codes = grid(np.array([[90.0, 0.0], [90.0, 120.0], [-90.0, 0.0]]), 500)
    assert codes[0] == codes[1] != codes[2]
    for fold in cut(data, folds=2):
        assert len({0, 1, 2} & set(fold.valid)) in (0, 3)


@pytest.mark.parametrize("side", [50.0, 300.0, 2000.0])
def test_cells_of_the_grid_have_nearly_equal_areas(side):
    rng = np.random.default_rng(0)
    # uniform on the sphere, so that counts are areas
    points = degrees_of(rng.normal(size=(400_000, 3)))
    counts = np.bincount(grid(points, side))
    expected = len(points) * side**2 / (4 * np.pi * EARTH_KM**2)
    assert np.median(counts) == pytest.approx(expected, rel=0.3, abs=1)
    inside = counts > 0.5 * expected
    assert counts[inside].sum() / counts.sum() > 0.9


def test_neighbours_in_a_cell_are_near():
    points = degrees_of(np.random.default_rng(1).normal(size=(3000, 3)))
    codes = grid(points, 800)
    for code in np.unique(codes):
        own = np.radians(points[codes == code])
        assert haversine_distances(own).max() * EARTH_KM < 800 * 2.2


def test_distances_are_great_circles():
    # a quarter of the globe, half of it between antipodes, and across the date line
    km, which = nearest_place(np.array([[0.0, 0.0]]), np.array([[0.0, 90.0]]))
    assert km[0] == pytest.approx(np.pi / 2 * EARTH_KM)
    km, which = nearest_place(np.array([[45.0, 10.0]]), np.array([[-45.0, -170.0]]))
    assert km[0] == pytest.approx(np.pi * EARTH_KM)
    km, which = nearest_place(np.array([[0.0, 179.5]]), np.array([[0.0, 178.0], [0.0, -179.5]]))
    assert (which[0], km[0]) == (1, pytest.approx(np.radians(1) * EARTH_KM))
    some = degrees_of(np.random.default_rng(0).normal(size=(50, 3)))
    assert degrees_of(unit_vectors(some)) == pytest.approx(some)


def test_another_seed_cuts_otherwise():
    one, other = ([fold.valid.tolist() for fold in cut(cities(), folds=3, seed=seed)] for seed in (0, 1))
    assert one != other


def test_rows_that_are_not_scored_leave_with_their_block():
    data = rows([0.0] * 6, [0, 0, 5, 5, 10, 15], scored=[True, False, True, True, True, False])
    for fold in cut(data, folds=3, block=100):
        assert not set(fold.valid) & {1, 5}
        assert (1 in fold.train) == (0 in fold.train)
        assert 5 in fold.train


GOOD = {"latitude": [0.0, 1.0, 2.0, 3.0] * 3, "longitude": [0.0, 10.0, 20.0, 30.0] * 3}


@pytest.mark.parametrize(
    ("changed", "given_", "told"),
    [
        (
            {},
            {"latitude_on": "lat"},
            "latitude_on = 'lat': the data has no such meta column; known: latitude",
        ),
        ({}, {"longitude_on": "longitud"}, "did you mean 'longitude'"),
        ({"latitude": [0.0, None, 1.0] * 4}, {}, "latitude_on = 'latitude': missing in 4 rows: r1, r4, r7, r10"),
        ({"latitude": [0.0, 90.5, 1.0, 2.0] * 3}, {}, "90.5 and others in 3 rows are not on the globe.*r1, r5, r9"),
        ({"longitude": [0.0, -181.0, 1.0, 2.0] * 3}, {}, r"expected degrees in \[-180, 360\]"),
        ({"longitude": ["0", "10 E", "1", "2"] * 3}, {}, "'10 E' and others in 3 rows"),
        ({}, {"folds": 5}, "4 blocks of places with scored rows do not make 5 folds; set fewer folds"),
        (
            {},
            {"block": 5000, "folds": 4},
            "blocks of 5000 km .* do not make 4.*or smaller blocks",
        ),
        ({}, {"folds": 2, "buffer": 9000}, "fold 0 has no row to train on that is 9000 km away.*set less buffer"),
    ],
)
def test_what_cannot_be_cut_is_told(changed, given_, told):
    table = {**GOOD, **changed}
    with pytest.raises(DataError, match=told) as caught:
        cut(rows(table["latitude"], table["longitude"]), **{"folds": 2, **given_})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given_", [{"block": -1}, {"buffer": -5.0}, {"folds": 1}])
def test_parameters_out_of_bounds_are_told(given_):
    with pytest.raises(ConfigError, match="expected a number in"):
        params(**given_)


def test_check_names_rows_within_the_buffer():
    data = rows([0.0, 0.0, 0.5, 3.0], [0.0] * 4)
    fold = Fold(0, np.array([1, 2, 3]), np.array([0]))
    found = [line for line in check_folds([fold], data, SPATIAL, params(buffer=100)) if "fold 0" in line]
    assert found == ["fold 0: 2 training rows are less than 100 km away from a predicted row: r1, r2"]
    found = [line for line in check_folds([fold], data, SPATIAL, params()) if "fold 0" in line]
    assert found == ["fold 0: 1 training rows are at the place of a predicted row: r1"]


def test_the_conformance_kit_finds_nothing():
    for chosen in (None, params(block=60, buffer=20, group_on="group", folds=3)):
        findings = list(check_splitter(SPATIAL, chosen))
        assert len(findings) >= 6
        assert not [finding for finding in findings if finding.problem], findings
        assert not [finding for finding in findings if finding.problem.startswith(SKIPPED)]
