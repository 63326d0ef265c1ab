"""Rebalancers: exact counts, originals untouched, made-up rows legal, errors one can act on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from harness_imbalance.rebalancers import rebalancers
from harness_imbalance.rebalancers.space import gather, learn_space, spread_out, to_inputs, to_matrix
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data import DatasetInfo, Examples, TaskType
from harness.errors import ConfigError, DataError
from harness.offers import Rebalancer
from harness.params import document, parse_params

OFFERS: dict[str, Rebalancer] = {offer.name.split(".")[1]: offer for offer in rebalancers()}
GENERATING = [name for name, offer in OFFERS.items() if offer.generates]
KEEPING = [name for name in GENERATING if name not in ("smote_undersample", "smoteenn", "smotetomek")]
CLASSES = ("common", "rare", "other")
INFO = DatasetInfo("made up", TaskType.MULTICLASS, CLASSES)
each = pytest.mark.parametrize("name", list(OFFERS))
each_generating = pytest.mark.parametrize("name", GENERATING)


def rows(counts: tuple[int, ...] = (120, 12, 40), *, categories: bool = True, missing: bool = True) -> Examples:
    """Overlapping classes in mixed order, with missing values, group and time beside them."""
    rng = np.random.default_rng(3)
    targets = rng.permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)
    n = len(targets)
    frame = pd.DataFrame(
        {"amount": (targets + rng.normal(0, 0.8, n)) * 20_000, "late": rng.integers(0, 5, n).astype(float)}
    )
    if missing:
        frame.loc[::10, "amount"] = np.nan
        frame["empty"] = np.nan
    if categories:
        frame["kind"] = pd.Categorical.from_codes(rng.integers(0, 3, n), categories=["p", "q", "r", "never"])
        if missing:
            frame.loc[::13, "kind"] = np.nan
    ids = np.array([f"{number:03}" for number in range(n)], dtype=object)
    meta = pd.DataFrame({"group": rng.integers(0, 9, n), "author": [f"a{number % 7}" for number in range(n)]})
    return Examples(ids, frame, targets, meta=meta)


def apply(name: str, examples: Examples, seed: int = 4, info: DatasetInfo = INFO, **params: Any) -> Examples:
    offer = OFFERS[name]
    changed: Examples = offer.rebalance(parse_params(offer.params, params, name), examples, info, seed)
    return changed


def counted(examples: Examples) -> list[int]:
    return np.bincount(np.asarray(examples.targets), minlength=3).tolist()


def generated(examples: Examples) -> Any:
    return np.flatnonzero([str(name).startswith("generated:") for name in examples.ids])


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("undersample", {}, [20, 12, 40]),
        ("undersample", {"keep": 0.5, "classes": ["other", "rare"]}, [120, 6, 20]),
        ("undersample", {"keep": 0.001}, [1, 12, 40]),
        ("undersample", {"keep": 1.0}, [120, 12, 40]),
        ("oversample", {}, [120, 120, 120]),
        ("oversample", {"ratio": 0.25}, [120, 30, 40]),
        ("oversample", {"ratio": 0.0}, [120, 12, 40]),
        ("smote", {}, [120, 60, 120]),
        ("smote", {"factor": 1.0}, [120, 12, 40]),
        ("smote", {"factor": 2.5}, [120, 30, 100]),
        ("smote_undersample", {}, [30, 60, 120]),
        ("borderline_smote", {}, [120, 60, 120]),
        ("class_weights", {}, [120, 12, 40]),
        ("majority_weight", {}, [120, 12, 40]),
    ],
)
@pytest.mark.parametrize("categories", [True, False])
def test_class_counts_are_exact(name: str, params: dict[str, Any], expected: list[int], categories: bool) -> None:
    assert counted(apply(name, rows(categories=categories), **params)) == expected


def test_adasyn_comes_near_the_counts_asked_for() -> None:
    # the method rounds the rows to make of each row by itself, so that counts differ by half a row each at most
    common, rare, other = counted(apply("adasyn", rows()))
    assert common == 120
    assert abs(rare - 60) <= 6
    assert abs(other - 120) <= 20


@pytest.mark.parametrize("name", ["smoteenn", "smotetomek"])
def test_cleaning_removes_rows_of_every_class_and_adds_none(name: str) -> None:
    grown, cleaned = apply("smote", rows()), apply(name, rows())
    assert sum(counted(cleaned)) < sum(counted(grown))
    assert set(cleaned.ids) < set(grown.ids)
    position = {row: at for at, row in enumerate(grown.ids)}
    assert [position[row] for row in cleaned.ids] == sorted(position[row] for row in cleaned.ids)


@pytest.mark.parametrize("name", ["smoteenn", "smotetomek"])
def test_combined_methods_are_those_of_imbalanced_learn(name: str) -> None:
    from imblearn.combine import SMOTEENN, SMOTETomek
    from imblearn.over_sampling import SMOTE

    examples = rows(categories=False, missing=False)
    wanted = {1: 60, 2: 120}
    peer = {"smoteenn": SMOTEENN, "smotetomek": SMOTETomek}[name]
    expected, labels = peer(random_state=4, smote=SMOTE(sampling_strategy=wanted, random_state=4)).fit_resample(
        examples.inputs.to_numpy(), examples.targets
    )
    found = apply(name, examples, scale=False)
    both = (np.column_stack([expected, labels]), np.column_stack([found.inputs.to_numpy(), found.targets]))
    one, other = (table[np.lexsort(table.T)] for table in both)
    np.testing.assert_allclose(one, other)


@pytest.mark.parametrize("name", KEEPING)
def test_originals_are_untouched_and_come_first(name: str) -> None:
    before = rows()
    kept = before.inputs.copy(deep=True)
    after = apply(name, before)
    n = len(before)
    pd.testing.assert_frame_equal(before.inputs, kept)
    pd.testing.assert_frame_equal(after.inputs.iloc[:n], kept)
    assert list(after.ids[:n]) == list(before.ids)
    np.testing.assert_array_equal(after.targets[:n], before.targets)  # type: ignore[index]
    assert len(after) > n


@each_generating
def test_generated_rows_are_legal(name: str) -> None:
    before = rows()
    after = apply(name, before)
    made = after.take(generated(after).astype(np.int64))
    assert len(made) > 0
    assert len(set(after.ids)) == len(after)
    assert set(np.asarray(made.targets).tolist()) <= {1, 2}
    assert made.inputs.dtypes.to_dict() == before.inputs.dtypes.to_dict()
    assert set(made.inputs["kind"]) <= {"p", "q", "r"}
    assert made.inputs["empty"].isna().all()
    assert made.inputs["amount"].notna().all()
    for code in (1, 2):  # rows made between two rows lie between them
        known = before.inputs.loc[before.targets == code, "late"]
        found = made.inputs.loc[made.targets == code, "late"]
        assert found.between(known.min(), known.max()).all()
    assert made.meta is not None
    assert list(made.meta.columns) == ["group", "author"]
    assert made.meta.isna().all(axis=None)
    assert made.weights is None
    assert made.scored is None


@each_generating
def test_weights_and_scored_grow_with_the_rows(name: str) -> None:
    before = rows()
    n = len(before)
    before = Examples(before.ids, before.inputs, before.targets, weights=np.full(n, 2.0), scored=np.ones(n, dtype=bool))
    after = apply(name, before)
    made = generated(after)
    assert set(after.weights[made]) == {1.0}  # type: ignore[index]
    assert not after.scored[made].any()  # type: ignore[index]
    assert set(np.delete(after.weights, made)) == {2.0}  # type: ignore[arg-type]


@each
def test_the_same_seed_gives_the_same_rows(name: str) -> None:
    one, two = apply(name, rows(), seed=2**40 + 1), apply(name, rows(), seed=2**40 + 1)
    assert list(one.ids) == list(two.ids)
    pd.testing.assert_frame_equal(one.inputs, two.inputs)


@pytest.mark.parametrize("name", [name for name in OFFERS if not name.endswith(("weights", "weight"))])
def test_another_seed_gives_other_rows(name: str) -> None:
    one, two = apply(name, rows(), seed=1), apply(name, rows(), seed=2)
    assert not (len(one) == len(two) and one.inputs.equals(two.inputs))


@each_generating
@pytest.mark.parametrize("form", ["array", "ints and bools", "categories only"])
def test_other_forms_of_tables(name: str, form: str) -> None:
    examples = rows(missing=False)
    inputs: Any = {
        "array": examples.inputs[["amount", "late"]].to_numpy(),
        "ints and bools": examples.inputs.assign(late=examples.inputs["late"].astype(int), flag=[True, False] * 86),
        "categories only": examples.inputs[["kind"]].assign(
            late=examples.inputs["late"].astype(int).astype("category")
        ),
    }[form]
    params = {"n_neighbors": 1} if name == "smoteenn" else {}
    after = apply(name, examples.with_inputs(inputs), k_neighbors=3, **params)
    assert type(after.inputs) is type(inputs)
    assert len(generated(after)) > 0
    if form == "ints and bools":
        assert str(after.inputs["flag"].dtype) == "float64"
    if form == "categories only":
        assert after.inputs.dtypes.to_dict() == inputs.dtypes.to_dict()


def test_smote_on_numbers_is_that_of_imbalanced_learn() -> None:
    from imblearn.over_sampling import SMOTE

    examples = rows(categories=False, missing=False)
    expected, labels = SMOTE(sampling_strategy={1: 60, 2: 120}, random_state=4).fit_resample(
        examples.inputs.to_numpy(), examples.targets
    )
    found = apply("smote", examples, scale=False)
    np.testing.assert_allclose(found.inputs.to_numpy(), expected)
    np.testing.assert_array_equal(found.targets, labels)


def test_scaling_lets_small_units_count() -> None:
    # two groups of a rare class, told apart by a small column; a large column is noise
    rng = np.random.default_rng(0)
    small = np.repeat([0.0, 1.0], 50)
    frame = pd.DataFrame({"small": np.r_[small, rng.random(300)], "large": rng.normal(0, 1e6, 400)})
    targets = np.repeat([1, 0], [100, 300]).astype(np.int64)
    examples = Examples(np.arange(400).astype(str).astype(object), frame, targets)
    between = {}
    for scale in (True, False):
        after = apply("smote", examples, scale=scale, k_neighbors=1, factor=3.0)
        made = after.inputs["small"].to_numpy()[generated(after)]
        between[scale] = ((made > 0) & (made < 1)).mean()
    assert between[True] < 0.1 < 0.3 < between[False]


def test_values_shared_by_neighbours_come_back_to_the_bit() -> None:
    examples = rows()
    odd = 0.1 + 0.2
    after = apply("smote", examples.with_inputs(examples.inputs.assign(odd=odd, late=examples.inputs["late"] * odd)))
    assert set(after.inputs["odd"]) == {odd}


@pytest.mark.fault("F-22")
@each_generating
def test_too_few_rows_are_told_with_the_option_to_set(name: str) -> None:
    message = (
        r"class 'rare' has 4 training rows in this fold, k_neighbors = 5 needs at least 6; set k_neighbors to 3 or"
    )
    with pytest.raises(DataError, match=message):
        apply(name, rows((120, 4, 40)))
    assert counted(apply(name, rows((120, 4, 40)), k_neighbors=3))[1] > 0


@pytest.mark.fault("F-22")
@each_generating
def test_a_class_of_one_row_is_told(name: str) -> None:
    with pytest.raises(DataError, match=r"'rare' has 1 training rows .*use imbalance\.oversample"):
        apply(name, rows((120, 1, 40)))


@pytest.mark.fault("F-22")
def test_exactly_enough_rows_are_enough() -> None:
    assert counted(apply("smote", rows((120, 6, 40)))) == [120, 30, 120]


@each_generating
def test_inputs_that_are_no_table_are_told(name: str) -> None:
    texts = [f"text {number}" for number in range(172)]
    with pytest.raises(DataError, match=r"needs a table .* inputs are list; name features that make one"):
        apply(name, rows().with_inputs(texts))
    with pytest.raises(DataError, match=r"numbers and categories, found word \(str\)"):
        apply(name, rows().with_inputs(pd.DataFrame({"word": texts})))


class Recordings:
    """Inputs that only know their length and how to take rows."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Any) -> Recordings:
        return Recordings([self.names[row] for row in rows])


@pytest.mark.parametrize("name", [name for name in OFFERS if name not in GENERATING])
@pytest.mark.parametrize("kind", [list, np.array, Recordings])
def test_rows_and_weights_work_on_any_inputs(name: str, kind: Any) -> None:
    names = [f"clip {number:03}" for number in range(172)]
    after = apply(name, rows().with_inputs(kind(names)))
    values = after.inputs.names if isinstance(after.inputs, Recordings) else list(after.inputs)
    assert len(values) == len(after)
    known = [row for row, made in zip(values, after.ids, strict=True) if not str(made).startswith("generated:")]
    assert known == [f"clip {made}" for made in after.ids if not str(made).startswith("generated:")]


def test_repeated_rows_keep_their_facts_but_not_their_ids() -> None:
    before = rows()
    after = apply("oversample", before)
    assert len(set(after.ids)) == len(after)
    assert after.meta is not None
    assert after.meta.notna().all(axis=None)
    assert list(after.ids[: len(before)]) == list(before.ids)


def test_class_weights_by_hand() -> None:
    # n = 172, k = 3: 172 / (3 * 120), 172 / (3 * 12), 172 / (3 * 40)
    after = apply("class_weights", rows())
    found = [float(after.weights[after.targets == code][0]) for code in range(3)]  # type: ignore[index]
    assert found == pytest.approx([0.4777778, 4.7777778, 1.4333333])
    assert after.weights.sum() == pytest.approx(172)  # type: ignore[union-attr]


def test_class_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_sample_weight

    examples = rows((50, 0, 7))  # a class that the fold lacks counts for nothing
    np.testing.assert_allclose(
        apply("class_weights", examples).weights, compute_sample_weight("balanced", examples.targets)
    )


def test_class_weights_make_weighted_totals_equal() -> None:
    before = rows()
    before = Examples(before.ids, before.inputs, before.targets, weights=np.linspace(0.1, 3.0, len(before)))
    after = apply("class_weights", before)
    totals = np.bincount(np.asarray(after.targets), weights=after.weights)
    np.testing.assert_allclose(totals, np.asarray(before.weights).sum() / 3)
    np.testing.assert_allclose(apply("class_weights", before, strength=0.0).weights, before.weights)


def test_majority_weight_by_hand() -> None:
    before = rows()
    after = apply("majority_weight", before)
    np.testing.assert_allclose(after.weights, np.where(before.targets == 0, 1 / 6, 1.0))
    twice = apply("majority_weight", after, weight=0.5, classes=["rare"])
    np.testing.assert_allclose(np.unique(twice.weights), [1 / 6, 0.5, 1.0])


def test_equal_classes_have_the_first_as_majority() -> None:
    assert counted(apply("undersample", rows((30, 30, 12)), keep=0.5)) == [15, 30, 12]


def test_a_class_that_does_not_exist_is_told() -> None:
    with pytest.raises(ConfigError, match="no such class; did you mean 'common'"):
        apply("undersample", rows(), classes=["comon"])


@pytest.mark.parametrize("name", [name for name in OFFERS if "undersample" not in name])
def test_a_fold_of_one_class_stays(name: str) -> None:
    assert counted(apply(name, rows((20,)))) == [20, 0, 0]


@each
def test_a_regression_is_refused(name: str) -> None:
    info = DatasetInfo("made up", TaskType.REGRESSION)
    with pytest.raises(ConfigError, match="one class per row, the task is regression"):
        apply(name, rows(), info=info)


@pytest.mark.fault("F-22")
def test_adasyn_without_a_border_is_told() -> None:
    examples = rows((60, 12, 0))
    apart = pd.DataFrame({"x": np.asarray(examples.targets) * 1000.0 + np.arange(72) / 100})
    with pytest.raises(DataError, match=r"ADASYN finds no row .* use imbalance\.smote"):
        apply("adasyn", examples.with_inputs(apart))


def test_a_class_that_cleaning_wipes_out_is_told() -> None:
    examples = rows((30, 10, 0))
    alike = pd.DataFrame(
        {"x": np.where(examples.targets == 0, np.arange(40.0), np.random.default_rng(0).permutation(40))}
    )
    with pytest.raises(DataError, match=r"imbalance\.smoteenn removed all \d+ training rows of class"):
        apply("smoteenn", examples.with_inputs(alike), factor=1.0, n_neighbors=30)


def test_borderline_needs_more_rows_than_it_looks_at() -> None:
    with pytest.raises(DataError, match="19 training rows, m_neighbors = 19 needs more"):
        apply("borderline_smote", rows((12, 7, 0)), m_neighbors=19)


@settings(max_examples=60, deadline=None)
@given(
    keep=st.floats(0.0001, 1.0),
    counts=st.lists(st.integers(1, 60), min_size=2, max_size=3),
    seed=st.integers(0, 2**63),
)
def test_undersampling_keeps_the_fraction_and_the_order(keep: float, counts: list[int], seed: int) -> None:
    targets = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    names = np.array([f"r{number}" for number in range(len(targets))], dtype=object)
    after = apply("undersample", Examples(names, list(names), targets), seed=seed, keep=keep)
    largest = int(np.argmax(counts))
    expected = [max(1, round(keep * count)) if code == largest else count for code, count in enumerate(counts)]
    assert np.bincount(np.asarray(after.targets), minlength=len(counts)).tolist() == expected
    numbers = [int(str(row)[1:]) for row in after.ids]
    assert numbers == sorted(set(numbers))
    assert list(after.inputs) == list(after.ids)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_matrix_gives_back_what_was_read(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 12))
    values = data.draw(st.lists(st.floats(-1e9, 1e9), min_size=n, max_size=n))
    codes = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    frame = pd.DataFrame({"x": values, "c": pd.Categorical.from_codes(codes, categories=list("pqrs"))})
    space = learn_space(frame, scale=True)
    matrix = to_matrix(space, frame)
    pd.testing.assert_frame_equal(to_inputs(space, gather(space, spread_out(space, matrix)), frame), frame)
    assert not np.isnan(matrix).any()


@each
def test_every_parameter_is_documented(name: str) -> None:
    assert all(doc.help for doc in document(OFFERS[name].params))


def test_only_methods_that_make_new_rows_say_so() -> None:
    assert set(OFFERS) - set(GENERATING) == {"undersample", "oversample", "class_weights", "majority_weight"}
