"""Models go to files and come back the same, and nothing in a file is ever executed."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from harness import persist
from harness.errors import StoreError
from harness.persist import load_sklearn, save_sklearn


class Canary:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def _table() -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 3)), columns=["a", "b", "c"])
    frame.loc[::7, "b"] = np.nan
    frame["d"] = pd.Series(rng.choice(["x", "y", "z"], 80), dtype=object)
    return frame, (frame["a"] > 0.3).to_numpy().astype(int)


def _encoder() -> Any:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    return ColumnTransformer([("n", numbers, ["a", "b", "c"]), ("c", OneHotEncoder(sparse_output=False), ["d"])])


def _codes() -> Any:
    return ColumnTransformer([("c", OrdinalEncoder(), ["d"])], remainder="passthrough")


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(_encoder(), LogisticRegression()),
        make_pipeline(_encoder(), RandomForestClassifier(n_estimators=3, random_state=0)),
        make_pipeline(_encoder(), ExtraTreesRegressor(n_estimators=3, random_state=0)),
        make_pipeline(_encoder(), Ridge()),
        make_pipeline(_codes(), HistGradientBoostingClassifier(max_iter=3, categorical_features=[0])),
        make_pipeline(_codes(), HistGradientBoostingRegressor(max_iter=3)),
    ],
    ids=lambda model: type(model[-1]).__name__,
)
def test_a_loaded_model_predicts_the_same_bytes(model: Any, tmp_path: Path) -> None:
    frame, targets = _table()
    model.fit(frame, targets)
    save_sklearn(model, tmp_path / "model.skops")
    loaded = load_sklearn(tmp_path / "model.skops")
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    assert getattr(loaded, method)(frame).tobytes() == getattr(model, method)(frame).tobytes()
    assert [path.name for path in tmp_path.iterdir()] == ["model.skops"]


@pytest.mark.fault("F-41")
def test_a_pickle_is_refused_and_not_executed(tmp_path: Path) -> None:
    canary = tmp_path / "executed"
    payload = pickle.dumps(Canary(canary))
    path = tmp_path / "model.skops"
    path.write_bytes(payload)
    with pytest.raises(StoreError, match="not a skops file"):
        load_sklearn(path)
    assert not canary.exists()
    pickle.loads(payload)
    assert canary.exists()  # so the test would have noticed


@pytest.mark.fault("F-41")
def test_a_pickled_array_inside_a_skops_file_is_not_executed(tmp_path: Path) -> None:
    canary = tmp_path / "executed"
    save_sklearn(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "good.skops")
    evil = np.array([Canary(canary)], dtype=object)
    with (
        zipfile.ZipFile(tmp_path / "good.skops") as good,
        zipfile.ZipFile(tmp_path / "evil.skops", "w") as bad,
    ):
        for name in good.namelist():
            if name.endswith(".npy"):
                with bad.open(name, "w") as file:
                    np.save(file, evil, allow_pickle=True)
            else:
                bad.writestr(name, good.read(name))
    with pytest.raises(StoreError, match="cannot be read"):
        load_sklearn(tmp_path / "evil.skops")
    assert not canary.exists()


@pytest.mark.fault("F-41")
def test_a_type_not_on_the_list_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    save_sklearn(FunctionTransformer(Path.touch), path)
    with pytest.raises(StoreError, match=r"not allowed: .*touch"):
        load_sklearn(path)


def test_the_caller_may_name_its_own_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.skops"
    frame, targets = _table()
    save_sklearn(RandomForestClassifier(n_estimators=2).fit(frame[["a"]], targets), path)
    monkeypatch.setattr(persist, "TRUSTED", ())
    with pytest.raises(StoreError, match=r"sklearn\.tree\._tree\.Tree"):
        load_sklearn(path)
    assert load_sklearn(path, trusted=["sklearn.tree._tree.Tree"]).n_estimators == 2


def test_the_list_is_not_taken_from_the_file() -> None:
    assert isinstance(persist.TRUSTED, tuple)
    assert not any(name.startswith(("builtins.", "os.", "subprocess.", "operator.")) for name in persist.TRUSTED)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_told(share: float, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    save_sklearn(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(StoreError, match="train the run again"):
        load_sklearn(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such model file"):
        load_sklearn(tmp_path / "model.skops")


def test_skops_is_the_format(tmp_path: Path) -> None:
    save_sklearn({"a": 1}, tmp_path / "x.skops")
    assert skops.io.load(tmp_path / "x.skops") == {"a": 1}
