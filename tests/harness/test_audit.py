"""What sets sides apart, how alike splits are, and which is named: against answers known beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.audit import sides as sides_module
from harness.audit.fast import loss_for, table_of
from harness.audit.likeness import AT_RANDOM, distance, recommend
from harness.audit.scoring import rows_to_use
from harness.audit.sides import Sides, adversarial_auc, auc_of_test, compare, sides_of_test, whereabouts
from harness.builtin.metrics import harness_metrics
from harness.data import Dataset, DatasetInfo, Examples, TaskType
from harness.errors import DataError

METRICS = {metric.name: metric for metric in harness_metrics()}
ROLES = {"group": "place", "time": "day", "latitude": "lat", "longitude": "lon"}


def numbers(n: int, seed: int, shift: float = 0.0) -> Examples:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(size=n) + shift, "b": rng.normal(size=n)})
    return Examples(np.arange(n).astype(object), frame, rng.normal(size=n))


def of_meta(**meta: object) -> Examples:
    table = pd.DataFrame(meta)
    return Examples(np.arange(len(table)).astype(object), np.zeros((len(table), 1)), meta=table)


def test_draws_of_the_same_rows_are_not_told_apart() -> None:
    assert adversarial_auc(numbers(400, 1), numbers(300, 2), 0) == pytest.approx(0.5, abs=0.07)


def test_shifted_rows_are_told_apart_as_far_as_they_are_shifted() -> None:
    # two normal distributions one standard deviation apart: the best possible AUC is Phi(1 / sqrt 2) = 0.760
    found = adversarial_auc(numbers(3000, 1), numbers(3000, 2, shift=1.0), 0)
    assert 0.73 < found < 0.775
    assert adversarial_auc(numbers(300, 1), numbers(300, 2, shift=20.0), 0) > 0.99


def test_neither_ids_nor_targets_nor_meta_tell_sides_apart() -> None:
    one, other = numbers(200, 1), numbers(200, 2)
    plain = adversarial_auc(one, other, 0)
    named = replace(
        other, ids=other.ids + 1000, targets=other.targets + 50, meta=pd.DataFrame({"a": np.full(200, 9.0)})
    )
    assert adversarial_auc(one, named, 0) == plain


def test_categories_that_differ_tell_sides_apart() -> None:
    def kinds(levels: list[str], order: list[str]) -> Examples:
        return Examples(np.arange(100).astype(object), pd.DataFrame({"k": pd.Categorical(levels * 50, order)}))

    one, same, other = kinds(["a", "b"], ["a", "b"]), kinds(["b", "a"], ["b", "a"]), kinds(["c", "d"], ["c", "d"])
    assert adversarial_auc(one, same, 0) == pytest.approx(0.5, abs=0.1)
    assert adversarial_auc(one, other, 0) == 1
    assert np.isnan(adversarial_auc(one, other, 0, {"group": "k"}))


def test_too_few_rows_or_no_table_say_nothing() -> None:
    assert np.isnan(adversarial_auc(numbers(400, 1), numbers(29, 2, shift=20.0), 0))
    images = Examples(np.arange(50).astype(object), [None] * 50)
    assert np.isnan(adversarial_auc(images, images, 0))


def test_what_a_model_takes_of_a_table() -> None:
    frame = pd.DataFrame(
        {
            "place": pd.Categorical(["a", "b"]),
            "text": ["a", "b"],
            "day": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "lat": [1.0, 2.0],
            "flag": [True, False],
            "kind": pd.Categorical(["x", "y"]),
            "count": np.array([1, 2], dtype=np.int32),
        }
    )
    rows = Examples(np.arange(2).astype(object), frame)
    found = table_of(rows, ROLES)
    assert found is not None
    assert list(found) == ["lat", "flag", "kind", "count"]
    assert table_of(rows.with_inputs(frame[["text", "day"]]), ROLES) is None
    assert table_of(rows.with_inputs(np.array([["a"], ["b"]], dtype=object)), ROLES) is None


def test_facts_worked_by_hand() -> None:
    train = of_meta(place=["a", "a", "b"], day=[1, 2, 3], lat=[0.0, 0.0, 1.0], lon=[0.0, 0.0, 0.0])
    test = of_meta(place=["a", "c", "c", "d"], day=[3, 4, 5, 2], lat=[0.0, 2.0, 2.0, 5.0], lon=[0.0] * 4)
    one, other = whereabouts([train, test], ROLES)
    found = compare(one, other)
    degree = 111.195  # km along a meridian, mean radius
    assert (found.auc, found.group_overlap, found.later) == (None, 0.25, 0.5)
    # 0, 1, 1 and 4 degrees from the nearest
    assert found.nearest_km == pytest.approx(degree, rel=1e-4)


def test_unknown_values_count_on_neither_side() -> None:
    train = of_meta(place=["a", None], day=[pd.Timestamp("2024-01-02"), None], lat=[0.0, np.nan], lon=[0.0, 0.0])
    days = [pd.Timestamp("2024-01-03"), None, pd.Timestamp("2024-01-01")]
    test = of_meta(place=[None, "a", "b"], day=days, lat=[np.nan, 1.0, np.nan], lon=[0.0, 0.0, 0.0])
    one, other = whereabouts([train, test], ROLES)
    found = compare(one, other)
    assert (found.group_overlap, found.later) == (0.5, 0.5)
    assert found.nearest_km == pytest.approx(111.195, rel=1e-4)


def test_roles_without_a_column_are_unknown() -> None:
    one, other = whereabouts([of_meta(place=["a"], day=[1]), of_meta(place=["a"])], ROLES)
    assert compare(one, other) == Sides(group_overlap=1.0)


def test_a_place_that_is_not_on_the_globe_is_told() -> None:
    with pytest.raises(DataError, match=r"95\.0 and others in 1 rows are not on the globe.*: 1$"):
        whereabouts([of_meta(lat=[0.0, 95.0], lon=[0.0, 0.0])], ROLES)


shares = st.one_of(st.none(), st.floats(0, 1))
any_sides = st.builds(Sides, shares, shares, shares, st.one_of(st.none(), st.floats(0, 20_000)))


@given(any_sides, any_sides)
def test_a_distance_is_symmetric_within_bounds_and_zero_for_itself(one: Sides, other: Sides) -> None:
    found = distance(one, other)
    assert found == distance(other, one)
    assert found is None or 0 <= found <= 1
    assert distance(one, one) in (0, None)


SPLITS = {
    "random": AT_RANDOM,
    "group": Sides(0.95, 0.0, 0.0, 3.0),
    "time": Sides(0.7, 1.0, 1.0, 0.0),
    "group_time": Sides(0.95, 0.0, 1.0, 3.0),
    "spatial": Sides(0.99, 0.0, 0.0, 200.0),
}


@pytest.mark.parametrize("name", SPLITS)
def test_each_split_is_named_where_the_test_set_lies_like_it(name: str) -> None:
    known = SPLITS[name]
    test = Sides(
        0.9, abs((known.group_overlap or 0) - 0.1), abs((known.later or 0) - 0.1), (known.nearest_km or 0) * 1.3
    )
    verdict = recommend(SPLITS, test, "random")
    assert verdict.split == name
    assert verdict.own_fits == (name == "random")


def test_structure_outweighs_how_well_sides_are_told_apart() -> None:
    # drift alone makes a test set of the same groups look like other groups to a classifier
    assert recommend(SPLITS, Sides(0.99, 1.0, 0.0, 0.0), "group").split == "random"


def test_the_own_split_is_named_among_equals() -> None:
    splits = {**SPLITS, "stratified_group": SPLITS["group"]}
    assert recommend(splits, SPLITS["group"], "stratified_group").split == "stratified_group"
    assert recommend(splits, SPLITS["group"], "random").split == "group"


def test_without_a_test_set_the_split_farthest_from_chance_is_named() -> None:
    verdict = recommend(SPLITS, None, "random")
    assert verdict.split == "group_time"
    assert "there is no test set" in verdict.reason


def test_nothing_known_leaves_the_own_split() -> None:
    verdict = recommend({"random": Sides(), "stratified": Sides()}, Sides(), "stratified")
    assert (verdict.split, verdict.own_fits) == ("stratified", True)
    assert "nothing is known" in verdict.reason


def test_few_rows_are_all_used_and_many_by_whole_groups() -> None:
    groups = np.repeat(np.arange(200), 10)
    rows = of_meta(place=groups)
    assert rows_to_use(rows, groups, 2000, 0).all()
    kept = rows_to_use(rows, groups, 1000, 0)
    assert 950 < kept.sum() <= 1000
    assert set(groups[kept]).isdisjoint(groups[~kept])


def test_a_few_large_groups_are_thinned() -> None:
    groups = np.repeat(np.arange(12), 500)
    kept = rows_to_use(of_meta(place=groups), groups, 1000, 0)
    assert kept.sum() == 1000
    assert len(set(groups[kept])) == 12


@pytest.mark.parametrize(("metric", "loss"), [("mae", "absolute_error"), ("rmse", "squared_error")])
def test_the_loss_follows_the_metric(metric: str, loss: str) -> None:
    targets = np.random.default_rng(0).lognormal(size=500)
    assert loss_for(METRICS[metric], replace(numbers(500, 0), targets=targets)) == loss


def dataset(shift: float = 0.0, digest: str = "abc") -> Dataset:
    info = DatasetInfo("d", TaskType.REGRESSION)
    return Dataset(info, numbers(100, 1), None, replace(numbers(60, 2, shift), targets=None), digest=digest)


def test_the_answer_is_kept_by_digest(tmp_path, monkeypatch) -> None:
    first = sides_of_test(dataset(), tmp_path)

    def refuse(*args: object) -> float:
        raise AssertionError(args)

    monkeypatch.setattr(sides_module, "adversarial_auc", refuse)
    assert sides_of_test(dataset(), tmp_path) == first
    for changed in (dataset(digest="other"), dataset(digest=""), replace(dataset(), test=numbers(61, 2))):
        with pytest.raises(AssertionError):
            auc_of_test(changed, tmp_path)
    assert auc_of_test(replace(dataset(), test=None), tmp_path) is None


def test_what_cannot_be_told_is_kept_too(tmp_path) -> None:
    few = replace(dataset(), test=numbers(5, 2))
    assert auc_of_test(few, tmp_path) is None
    assert auc_of_test(few, tmp_path) is None
    assert len(list(tmp_path.rglob("*.json"))) == 1
