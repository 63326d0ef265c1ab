from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from harness_imbalance.features import ColumnsParams
from harness_imbalance.transform import ColumnsTransformer
from sklearn.preprocessing import TargetEncoder

from harness.data import TaskType
from harness.errors import DataError

LEVELS = pd.CategoricalDtype(pd.Index(["a", "b", "c"], dtype=object))


def table(codes: list[int], **numbers: list[float]) -> pd.DataFrame:
    return pd.DataFrame({**numbers, "level": pd.Categorical.from_codes(codes, dtype=LEVELS)})


def transformer(task: TaskType = TaskType.BINARY, **params: Any) -> ColumnsTransformer:
    return ColumnsTransformer(ColumnsParams(**params), task, seed=3)


def test_by_default_typed_columns_pass_through() -> None:
    train = table([0, 1, -1], x=[1.0, np.nan, 3.0])
    out = transformer().fit_transform(train, np.array([0, 1, 0]))
    pd.testing.assert_frame_equal(out, train)


def test_medians_flags_and_scales_are_those_of_the_training_rows() -> None:
    train = table([0, 1, 0, 0], x=[1.0, 3.0, np.nan, 8.0], y=[2.0, 2.0, 2.0, 2.0])
    made = transformer(impute="median", missing_flags=True, scale=True)
    out = made.fit_transform(train, None)
    values = np.array([1.0, 3.0, 3.0, 8.0])
    np.testing.assert_allclose(out["x"], (values - values.mean()) / values.std())
    assert out["y"].tolist() == [0.0] * 4
    assert out["missingindicator_x"].tolist() == [0.0, 0.0, 1.0, 0.0]
    new = made.transform(table([0], x=[np.nan], y=[np.nan]))
    np.testing.assert_allclose(new["x"], [(3.0 - values.mean()) / values.std()])
    assert new["missingindicator_x"].tolist() == [1.0]


def test_a_missing_category_becomes_a_level_when_imputed() -> None:
    made = transformer(impute="median")
    out = made.fit_transform(table([0, -1, 1]), None)
    assert out["level"].tolist() == ["a", "<missing>", "b"]
    assert made.transform(table([-1]))["level"].tolist() == ["<missing>"]


def test_one_hot_gives_a_column_per_level_and_zeros_for_others() -> None:
    made = transformer(encode="onehot")
    out = made.fit_transform(table([0, 1, 0]), None)
    assert out.columns.tolist() == ["level_a", "level_b"]
    assert out.to_numpy().tolist() == [[1, 0], [0, 1], [1, 0]]
    assert made.transform(table([2])).to_numpy().tolist() == [[0, 0]]


def test_ordinal_codes_follow_the_levels() -> None:
    made = transformer(encode="ordinal")
    assert made.fit_transform(table([1, 0, 1]), None)["level"].tolist() == [1.0, 0.0, 1.0]
    assert np.isnan(made.transform(table([2]))["level"].iloc[0])
    imputed = transformer(encode="ordinal", impute="median")
    imputed.fit_transform(table([1, 0, 1]), None)
    assert imputed.transform(table([2, -1]))["level"].tolist() == [-1.0, -1.0]


def test_target_encoding_is_cross_fitted_in_training_and_whole_afterwards() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 60)
    targets = ((codes == 1) ^ (rng.random(60) < 0.3)).astype(np.int64)
    train = table(codes.tolist())
    made = transformer(encode="target")
    out = made.fit_transform(train, targets)
    whole = TargetEncoder(target_type="binary").fit(train.astype(object), targets)
    np.testing.assert_allclose(made.transform(train), whole.transform(train.astype(object)))
    # a row's own target is not in its own mean, so rows of one level differ by their fold
    assert out.loc[codes == 1, "level"].nunique() > 1
    again = transformer(encode="target").fit_transform(train, targets)
    pd.testing.assert_frame_equal(out, again)


def test_target_encoding_takes_a_class_of_two_rows() -> None:
    targets = np.array([0] * 20 + [1] * 10 + [2] * 2)
    out = transformer(TaskType.MULTICLASS, encode="target").fit_transform(table([0, 1] * 16), targets)
    assert out.shape == (32, 3)
    assert ((out >= 0) & (out < 1)).all().all()


@pytest.mark.parametrize(
    ("impute", "encode", "scale", "flags"),
    list(product(["none", "median"], ["none", "ordinal", "onehot", "target"], [False, True], [False, True])),
)
def test_saved_and_loaded_it_does_the_same(tmp_path: Path, impute: str, encode: str, scale: bool, flags: bool) -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(-1, 3, 30).tolist()
    numbers = {"x": rng.normal(size=30).tolist(), "constant": [1.0] * 30, "empty": [np.nan] * 30}
    train = table(codes, **numbers)
    train.loc[3, "x"] = np.nan
    params = {"impute": impute, "encode": encode, "scale": scale, "missing_flags": flags}
    made = transformer(**params)
    made.fit_transform(train, np.array([0, 1] * 15))
    out = made.transform(train.iloc[:9])
    made.save(tmp_path)
    other = transformer(**params)
    other.load(tmp_path)
    pd.testing.assert_frame_equal(other.transform(train.iloc[:9]), out)
    if impute == "median":
        assert not out.isna().any().any()
    if encode != "none":
        assert all(dtype == np.float64 for dtype in out.dtypes)


@pytest.mark.fault("F-21", "F-24")
def test_what_cannot_be_transformed_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="infinite values in x"):
        transformer().fit_transform(table([0, 1], x=[np.inf, 1.0]), None)
    with pytest.raises(DataError, match="works on tables, found list"):
        transformer().fit_transform(["a"], None)
    with pytest.raises(DataError, match="needs one known target"):
        transformer(encode="target").fit_transform(table([0, 1]), None)
    made = transformer()
    made.fit_transform(table([0, 1], age=[1.0, 2.0]), None)
    with pytest.raises(DataError, match=r"no column 'age'; did you mean 'ages'\?"):
        made.transform(table([0], ages=[1.0]))


def test_texts_are_left_out_unless_they_are_encoded() -> None:
    train = table([0, 1, 0], x=[1.0, 2.0, 3.0]).assign(story=["a b", "c d", "e f"])
    made = transformer()
    assert made.fit_transform(train, None).columns.tolist() == ["x", "level"]
    assert made.transform(train).columns.tolist() == ["x", "level"]
    assert "story_a b" in transformer(encode="onehot", impute="median").fit_transform(train, None)
