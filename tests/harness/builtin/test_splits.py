"""Built-in splitters: what no fold may do, whatever the rows; and the check that says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit

from harness.builtin.splits import check_folds, harness_splitters
from harness.data import DatasetInfo, Examples, Fold, TaskType
from harness.errors import ConfigError, DataError
from harness.params import parse_params

SPLITTERS = {splitter.name: splitter for splitter in harness_splitters()}
INFO = DatasetInfo("d", TaskType.MULTICLASS, ("a", "b", "c"))
FORWARD = ("time", "group_time")


def cut(name, data, info=INFO, **given):
    splitter = SPLITTERS[name]
    return list(splitter.split(parse_params(splitter.params, given, "split"), data, info))


def problems(name, data, made, **given):
    return check_folds(made, data, SPLITTERS[name], parse_params(SPLITTERS[name].params, given, "split"))


def examples(n=None, targets=None, scored=None, **meta):
    n = n if n is not None else len(next(iter(meta.values()), targets))
    return Examples(
        np.array([f"r{i}" for i in range(n)], dtype=object),
        np.zeros((n, 1)),
        None if targets is None else np.asarray(targets),
        meta=pd.DataFrame(meta) if meta else None,
        scored=None if scored is None else np.asarray(scored, dtype=bool),
    )


@st.composite
def any_examples(draw):
    n = draw(st.integers(30, 80))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # group numbers up to 30 leave some groups with a single row, some without a scored one
    return examples(
        targets=rng.choice(3, n, p=[0.7, 0.25, 0.05]),
        scored=rng.random(n) < draw(st.sampled_from([0.6, 1.0])),
        group=rng.integers(0, draw(st.integers(8, 30)), n),
        time=rng.integers(0, draw(st.integers(15, 60)), n),
        fold=rng.permutation(np.arange(n) % 4),
        latitude=rng.integers(-2, 3, n),
        longitude=rng.integers(30, 34, n) / 2,
    )


def cut_or_reject(name, data, **given):
    try:
        return cut(name, data, **given)
    except DataError as error:
        if name in ("random", "stratified", "predefined") or "set fewer folds" not in str(error):
            raise
        reject()  # too few groups or times for so many folds


def sets(folds):
    return [(fold.index, fold.train.tolist(), fold.valid.tolist()) for fold in folds]


@pytest.mark.parametrize("name", sorted(SPLITTERS))
@settings(max_examples=25, deadline=None)
@given(data=any_examples(), folds=st.integers(2, 4), seed=st.integers(0, 50))
def test_folds_of_any_rows(name, data, folds, seed):
    wanted = {"folds": folds, "seed": seed}
    wanted = {key: value for key, value in wanted.items() if key in SPLITTERS[name].params.__dataclass_fields__}
    made = cut_or_reject(name, data, **wanted)
    group, time, scored = data.meta["group"].to_numpy(), data.meta["time"].to_numpy(), set(data.scored_rows())
    assert [fold.index for fold in made] == list(range(4 if name == "predefined" else folds))
    predicted = np.concatenate([fold.valid for fold in made])
    assert len(set(predicted)) == len(predicted)
    assert set(predicted) <= scored
    assert name in FORWARD or set(predicted) == scored
    for fold in made:
        assert len(fold.train)
        assert len(fold.valid)
        assert fold.train.dtype == fold.valid.dtype == np.int64
        for side in (fold.train, fold.valid):
            assert (np.diff(side) > 0).all()
        assert not set(fold.train) & set(fold.valid)
        if "group" in name:
            assert not set(group[fold.train]) & set(group[fold.valid])
        if name in FORWARD:
            assert time[fold.train].max() < time[fold.valid].min()
        if name in ("random", "stratified"):
            assert len(fold.train) + len(fold.valid) == len(data)
        if name in ("group", "stratified_group"):
            assert set(np.flatnonzero(~np.isin(group, group[fold.valid]))) == set(fold.train)
    assert problems(name, data, made, **wanted) == []
    assert sets(cut(name, data, **wanted)) == sets(made)


@pytest.mark.parametrize("name", ["random", "stratified", "group", "stratified_group", "group_time"])
def test_another_seed_cuts_otherwise(name):
    rng = np.random.default_rng(0)
    n = 200
    data = examples(targets=rng.integers(0, 3, n), group=rng.integers(0, 40, n), time=rng.integers(0, 40, n))
    assert sets(cut(name, data, seed=0)) != sets(cut(name, data, seed=1))


@pytest.mark.parametrize("name", ["random", "stratified"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_rows_as_scikit_learn(name, shuffle):
    targets = np.random.default_rng(0).integers(0, 3, 50)
    kind = KFold if name == "random" else StratifiedKFold
    expected = kind(4, shuffle=shuffle, random_state=7 if shuffle else None).split(targets, targets)
    made = cut(name, examples(targets=targets), folds=4, seed=7, shuffle=shuffle)
    assert [(f.train.tolist(), f.valid.tolist()) for f in made] == [(t.tolist(), v.tolist()) for t, v in expected]


def test_stratified_keeps_class_shares():
    targets = np.repeat([0, 1], [95, 5])
    for fold in cut("stratified", examples(targets=targets)):
        assert np.bincount(targets[fold.valid]).tolist() == [19, 1]


def test_a_class_of_fewer_rows_than_folds_is_spread():
    targets = np.repeat([0, 1], [47, 3])
    counts = [(targets[fold.valid] == 1).sum() for fold in cut("stratified", examples(targets=targets))]
    assert sorted(counts) == [0, 0, 1, 1, 1]


def test_one_row_of_each_class_is_cut_at_random():
    made = cut("stratified", examples(targets=np.arange(8)), folds=4)
    assert [len(fold.valid) for fold in made] == [2, 2, 2, 2]


def test_one_class_alone_is_cut():
    assert [len(fold.valid) for fold in cut("stratified", examples(targets=np.zeros(10, int)))] == [2] * 5


def test_a_regression_is_stratified_by_quantiles():
    targets = np.random.default_rng(0).exponential(size=100) ** 3
    info = DatasetInfo("d", TaskType.REGRESSION)
    tenth = np.digitize(targets, np.quantile(targets, np.arange(1, 10) / 10))
    for fold in cut("stratified", examples(targets=targets), info):
        assert np.bincount(tenth[fold.valid]).tolist() == [2] * 10


def test_a_constant_regression_is_cut():
    info = DatasetInfo("d", TaskType.REGRESSION)
    assert [len(fold.valid) for fold in cut("stratified", examples(targets=np.ones(10)), info)] == [2] * 5


def test_rare_labels_are_spread():
    rng = np.random.default_rng(0)
    targets = (rng.random((200, 4)) < [0.5, 0.4, 0.0, 0.0]).astype(np.int8)
    targets[rng.choice(200, 10, replace=False), 2] = 1
    targets[rng.choice(np.flatnonzero(targets[:, 2] == 0), 5, replace=False), 3] = 1
    info = DatasetInfo("d", TaskType.MULTILABEL, ("a", "b", "c", "d"))
    for fold in cut("stratified", examples(targets=targets), info):
        assert targets[fold.valid][:, 2:].sum(axis=0).tolist() == [2, 1]


@pytest.mark.parametrize(
    "column", [["x"] * 10 + ["y"] * 40, [1] * 10 + [2] * 40, list(np.linspace(0, 1, 10)) + list(np.linspace(2, 3, 40))]
)
def test_stratified_on_a_column(column):
    data = examples(kind=column)
    for fold in cut("stratified", data, stratify_on="kind"):
        assert ((fold.valid < 10).sum(), len(fold.valid)) == (2, 10)


def test_rows_that_are_not_scored_train_in_every_fold():
    data = examples(targets=[0, 1] * 10, scored=[True] * 15 + [False] * 5)
    for name in ("random", "stratified"):
        for fold in cut(name, data):
            assert set(range(15, 20)) <= set(fold.train)
            assert len(fold.valid) == 3


def test_rows_that_are_not_scored_leave_with_their_group():
    # r5 is not scored but belongs to the group of r0
    data = examples(scored=[True] * 5 + [False] * 2, group=["a", "b", "c", "d", "e", "a", "z"])
    fold = next(fold for fold in cut("group", data) if 0 in fold.valid)
    assert fold.valid.tolist() == [0]
    assert fold.train.tolist() == [1, 2, 3, 4, 6]


def test_groups_with_even_rows_when_not_shuffled():
    group = np.repeat(np.arange(6), [10, 1, 1, 10, 1, 1])
    made = cut("group", examples(group=group), folds=2, shuffle=False)
    assert sorted(len(fold.valid) for fold in made) == [12, 12]


def test_stratified_group_keeps_shares():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 5)
    targets = np.repeat(rng.permutation(np.repeat([0, 1], [30, 10])), 5)
    for fold in cut("stratified_group", examples(targets=targets, group=group)):
        assert np.bincount(targets[fold.valid]).tolist() == [30, 10]


@pytest.mark.parametrize("n", [12, 20, 23])
def test_different_times_as_scikit_learn(n):
    order = np.random.default_rng(0).permutation(n)
    made = cut("time", examples(time=order))
    expected = list(TimeSeriesSplit(5).split(np.arange(n)))
    assert [sorted(order[f.train]) for f in made] == [train.tolist() for train, _ in expected]
    assert [sorted(order[f.valid]) for f in made] == [valid.tolist() for _, valid in expected]


def test_rows_of_one_time_stay_together():
    time = np.repeat([1, 2, 3], [4, 1, 5])
    made = cut("time", examples(time=time), folds=2)
    assert [(set(time[f.train]), set(time[f.valid])) for f in made] == [({1}, {2}), ({1, 2}, {3})]


@pytest.mark.parametrize(("gap", "oldest"), [(0, 19), (1, 19), (3, 17), (2.5, 17)])
def test_a_gap_of_numbers(gap, oldest):
    fold = cut("time", examples(time=np.arange(24)), folds=5, gap=gap)[-1]
    assert fold.valid.tolist() == [20, 21, 22, 23]
    assert fold.train.max() == oldest


DAYS = pd.date_range("2024-01-01", periods=24, freq="D")


@pytest.mark.parametrize(
    "days",
    [
        DAYS,
        DAYS.as_unit("ns"),
        DAYS.tz_localize("Africa/Nairobi"),
        DAYS.strftime("%Y-%m-%d"),
        list(DAYS.date),
        DAYS - DAYS[0],
    ],
    ids=["dates", "ns", "zone", "text", "objects", "elapsed"],
)
@pytest.mark.parametrize(("gap", "oldest"), [(0, 15), ("1D", 15), ("7D", 9), ("36h", 14)])
def test_a_gap_of_dates(days, gap, oldest):
    fold = cut("time", examples(time=days), folds=2, gap=gap)[-1]
    assert fold.valid.tolist() == list(range(16, 24))
    assert fold.train.max() == oldest


@settings(max_examples=40, deadline=None)
@given(data=any_examples(), gap=st.integers(0, 4), name=st.sampled_from(FORWARD))
def test_no_training_row_within_the_gap(data, gap, name):
    made = cut_or_reject(name, data, folds=2, gap=gap)
    time = data.meta["time"].to_numpy()
    for fold in made:
        assert time[fold.valid].min() - time[fold.train].max() >= max(gap, 1)


def test_rows_that_are_not_scored_train_when_old_enough():
    data = examples(scored=[True, False] * 12, time=np.arange(24))
    for fold in cut("time", data, folds=3):
        assert set(fold.train) == set(range(fold.valid.min()))


def test_groups_that_live_in_one_block_are_predicted_whole():
    time = np.arange(24)
    data = examples(time=time, group=time // 2)
    made = cut("group_time", data)
    assert np.concatenate([fold.valid for fold in made]).tolist() == list(range(4, 24))
    assert [fold.train.max() for fold in made] == [3, 7, 11, 15, 19]


def test_groups_that_are_always_there_are_dealt_evenly():
    time, group = (axis.ravel() for axis in np.meshgrid(np.arange(12), np.arange(10)))
    data = examples(time=time, group=group)
    for fold in cut("group_time", data):
        assert len(set(group[fold.valid])) == 2
        assert len(set(group[fold.train])) == 8


@pytest.mark.parametrize("seed", range(5))
def test_groups_with_the_least_choice_are_dealt_first(seed):
    # dealt first, "both" would take the second day from "second" and leave the third without a group
    data = examples(time=[1, 2, 2, 3], group=["first", "both", "second", "both"])
    assert [fold.valid.tolist() for fold in cut("group_time", data, folds=2, seed=seed)] == [[2], [3]]


@pytest.mark.parametrize(
    "column", [[0, 1, 2, 0, 1, 2], ["0", "1", "2"] * 2, [0.0, 1.0, 2.0] * 2, pd.Categorical(["a", "b", "c"] * 2)]
)
def test_predefined_folds(column):
    made = cut("predefined", examples(where=column), fold_on="where")
    assert [fold.valid.tolist() for fold in made] == [[0, 3], [1, 4], [2, 5]]
    assert [fold.train.tolist() for fold in made] == [[1, 2, 4, 5], [0, 2, 3, 5], [0, 1, 3, 4]]


def test_predefined_folds_come_in_the_order_of_numbers():
    made = cut("predefined", examples(fold=["10", "9", "2"]))
    assert [fold.valid.tolist() for fold in made] == [[2], [1], [0]]


def test_predefined_holdout_trains_on_negative_folds():
    made = cut("predefined", examples(fold=[-1, -1, 0, 0], scored=[False, False, True, True]))
    assert sets(made) == [(0, [0, 1], [2, 3])]


SITES = {"site": ["a", "b", "c"] * 4, "day": list(range(12)), "text": ["03/04/2020"] * 12}


@pytest.mark.parametrize(
    ("name", "given", "meta", "told"),
    [
        (
            "group",
            {"group_on": "sites"},
            SITES,
            "group_on = 'sites': the data has no such meta column; did you mean 'si",
        ),
        ("group", {}, {}, "group_on = 'group': the data has no such meta column; its source gives no meta columns"),
        (
            "time",
            {"time_on": "date"},
            SITES,
            "time_on = 'date': the data has no such meta column; known: day, site, tex",
        ),
        ("predefined", {}, SITES, "fold_on = 'fold'"),
        ("stratified", {"stratify_on": "sit"}, SITES, "stratify_on = 'sit'.*did you mean 'site'"),
        ("group", {"group_on": "site"}, SITES, "3 groups with scored rows do not make 5 folds; set fewer folds"),
        ("stratified_group", {"group_on": "site", "stratify_on": "day"}, SITES, "3 groups with scored rows"),
        (
            "group_time",
            {"group_on": "site", "time_on": "day"},
            SITES,
            "3 groups with scored rows after the first block",
        ),
        (
            "time",
            {"time_on": "day", "folds": 12},
            SITES,
            "12 different times do not make 12 forward folds.*at least 13",
        ),
        ("time", {"time_on": "day", "gap": 9}, SITES, "fold 0 has no older row to train on .gap = 9.; set fewer folds"),
        ("time", {"time_on": "text"}, SITES, "'03/04/2020' and others are not all ISO 8601 dates"),
        ("random", {"folds": 13}, SITES, "12 scored rows do not make 13 folds"),
        ("group", {}, {"group": ["a", None, "b"] * 4}, "group_on = 'group': missing in 4 rows: r1, r4, r7, r10"),
        ("time", {}, {"time": [1.0, np.nan] * 6}, "time_on = 'time': missing in 6 rows"),
        ("predefined", {}, {"fold": [-1, 0, 1, 1] * 3}, "3 scored rows have a negative fold.*: r0, r4, r8"),
        ("predefined", {}, {"fold": [0] * 12}, "every row has fold 0, expected at least two"),
        ("stratified", {}, SITES, "rows without targets cannot be stratified; set stratify_on"),
    ],
)
def test_what_cannot_be_cut_is_told(name, given, meta, told):
    with pytest.raises(DataError, match=told) as caught:
        cut(name, examples(12, **meta), **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("gap", "time", "told"),
    [
        (3, DAYS, "gap = 3: expected a unit, as in '3D', for a column of dates"),
        ("soon", DAYS, "gap = 'soon': expected a duration such as '7D' or '12h'"),
        ("-1D", DAYS, "gap = '-1D': expected 0 or more"),
        ("7D", np.arange(24), "gap = '7D': expected a number, as the time column holds numbers"),
        (-1, np.arange(24), "gap = -1"),
    ],
)
def test_a_gap_that_does_not_fit_is_told(gap, time, told):
    with pytest.raises(ConfigError, match=told):
        cut("time", examples(time=time), gap=gap)


ROWS = examples(6, group=["a", "a", "b", "b", "c", "c"], time=[1, 1, 2, 2, 3, 3], scored=[True] * 5 + [False])
GOOD = [([2, 3, 4, 5], [0, 1]), ([0, 1, 4, 5], [2, 3]), ([0, 1, 2, 3], [4])]


@pytest.mark.fault("F-26")
@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({0: ([1, 2, 3, 4, 5], [0, 1])}, ["fold 0: 1 rows in both train and valid: r1"]),
        ({0: ([2, 3, 4, 5], [0])}, ["1 rows are scored, but predicted by no fold: r1"]),
        (
            {0: ([3, 4, 5], [0, 1, 2])},
            [
                "1 rows are predicted by more than one fold: r2",
                "fold 0: 1 groups of 'group' in both train and valid: b",
            ],
        ),
        ({2: ([0, 1, 2, 3], [4, 5])}, ["1 rows are predicted, but not scored: r5"]),
        ({2: ([0, 1, 2, 3, 5], [4])}, ["fold 2: 1 groups of 'group' in both train and valid: c"]),
        ({0: ([2, 3, 3], [0, 1])}, ["fold 0: 1 rows are in train twice"]),
        ({0: ([2, 3, 6], [0, 1])}, ["fold 0: train has positions outside of 0..5"]),
        ({0: ([], [0, 1])}, ["fold 0: train is empty"]),
    ],
)
def test_check_names_the_fault(changed, expected):
    parts = [changed.get(index, part) for index, part in enumerate(GOOD)]
    folds = [
        Fold(index, np.array(t, dtype=np.int64), np.array(v, dtype=np.int64)) for index, (t, v) in enumerate(parts)
    ]
    found = problems("group", ROWS, folds)
    assert len(found) >= len(expected)
    for told in expected:
        assert any(told in problem for problem in found), (told, found)
    assert bool(found) == bool(expected)


def test_check_names_rows_from_the_future():
    fold = Fold(0, np.array([0, 1, 3, 4]), np.array([2]))
    found = problems("time", ROWS, [fold])
    assert found == ["fold 0: 2 training rows are not older ('time') than every predicted row: r3, r4"]


@pytest.mark.fault("F-26")
def test_check_names_ids_on_both_sides():
    ids = ROWS.ids.copy()
    ids[2] = ids[0]
    folds = [Fold(index, np.array(train), np.array(valid)) for index, (train, valid) in enumerate(GOOD)]
    found = check_folds(folds, replace(ROWS, ids=ids), SPLITTERS["random"])
    assert found == [f"fold {index}: 1 ids in both train and valid: r0" for index in (0, 1)]


def test_check_of_no_folds():
    assert check_folds([], ROWS, SPLITTERS["random"]) == ["there is no fold"]
