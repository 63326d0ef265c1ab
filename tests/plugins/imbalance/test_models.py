"""Every model of the plugin keeps the contract on awkward tables, and learns."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from harness_imbalance.models import models

from harness.data import DatasetInfo, Examples, TaskType
from harness.errors import ConfigError, DataError, StoreError
from harness.offers import BuildContext, Model, ModelRecipe
from harness.params import document, parse_params
from harness.tabular.catboost_engine import MOST_POINTS
from harness.tabular.tables import MISSING, learn_columns, read_table

RECIPES = {recipe.name.split(".")[1]: recipe for recipe in models()}
RIDGE = RECIPES.pop("ridge")
CLASSES = ("a", "b", "c")
SMALL: dict[str, dict[str, Any]] = {
    "catboost": {"iterations": 12, "learning_rate": 0.3},
    "hist_gradient_boosting": {"iterations": 8, "min_leaf": 5, "learning_rate": 0.3},
    "random_forest": {"trees": 8},
    "logistic_regression": {},
    "balanced_random_forest": {"trees": 8},
    "easy_ensemble": {"samplings": 2, "rounds": 5},
    "rusboost": {"rounds": 6},
}
REGRESSION = [name for name, recipe in RECIPES.items() if TaskType.REGRESSION in recipe.tasks]
each_model = pytest.mark.parametrize("name", list(RECIPES))


class Log:
    """Keeps what a model tells."""

    def __init__(self) -> None:
        self.epochs: list[tuple[int, dict[str, float]]] = []
        self.notes: list[str] = []

    def epoch(self, step: int, **metrics: float) -> None:
        self.epochs.append((step, metrics))

    def note(self, text: str) -> None:
        self.notes.append(text)


def info(task: TaskType = TaskType.MULTICLASS) -> DatasetInfo:
    classes = {TaskType.BINARY: CLASSES[:2], TaskType.REGRESSION: ()}.get(task, CLASSES)
    return DatasetInfo("made up", task, classes)


def table(n: int = 150, seed: int = 0, codes: tuple[int, ...] = (0, 1, 2)) -> Examples:
    """Rows with missing values, an empty column, a constant column and a category that tells the class."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(codes, n).astype(np.int64)
    frame = pd.DataFrame({"x": targets + rng.normal(0, 0.5, n), "noise": rng.normal(size=n)})
    frame.loc[::9, "x"] = np.nan
    frame["empty"] = np.nan
    frame["constant"] = 3.0
    frame["there or not"] = np.where(rng.random(n) < 0.5, 1.0, np.nan)
    levels = np.where(rng.random(n) < 0.8, targets, rng.choice(codes, n))
    frame["kind"] = pd.Categorical.from_codes(levels, categories=["p", "q", "r"])
    frame.loc[::11, "kind"] = np.nan
    frame["hollow"] = pd.Categorical([None] * n, categories=["z"])
    ids = np.array([f"row-{number}" for number in range(n)], dtype=object)
    return Examples(ids, frame, targets)


def build(name: str, task: TaskType = TaskType.MULTICLASS, threads: int = 1, seed: int = 5, **more: Any) -> Model:
    recipe: ModelRecipe = RECIPES[name]
    params = parse_params(recipe.params, {**SMALL[name], **more}, name)
    model: Model = recipe.build(params, info(task), BuildContext(seed=seed, threads=threads))
    return model


def fitted(name: str, train: Examples, **more: Any) -> tuple[Model, Log]:
    log = Log()
    model = build(name, **more)
    model.fit(train, None, log)
    return model, log


@each_model
def test_it_learns_and_keeps_ids_and_order_of_classes(name: str) -> None:
    model, log = fitted(name, table())
    fresh = table(90, seed=1)
    predictions = model.predict(fresh.unlabelled())
    assert predictions.columns == CLASSES
    assert predictions.values.dtype == np.float64
    assert list(predictions.ids) == list(fresh.ids)
    np.testing.assert_allclose(predictions.values.sum(axis=1), 1.0, atol=1e-9)
    assert (predictions.values.argmax(axis=1) == fresh.targets).mean() > 0.6
    assert log.notes == []


@each_model
def test_a_loaded_model_predicts_the_same_bytes(name: str, tmp_path: Path) -> None:
    model, _ = fitted(name, table())
    model.save(tmp_path)
    loaded = build(name)
    loaded.load(tmp_path)
    fresh = table(40, seed=1)
    assert loaded.predict(fresh).values.tobytes() == model.predict(fresh).values.tobytes()


@pytest.mark.fault("F-49")
@each_model
@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_and_threads_give_the_same_bytes(name: str, threads: int) -> None:
    fresh = table(60, seed=1)
    one, other = (fitted(name, table(), threads=threads)[0].predict(fresh).values.tobytes() for _ in range(2))
    assert one == other


@pytest.mark.fault("F-49")
@pytest.mark.parametrize(
    "name", [name for name in RECIPES if name not in ("logistic_regression", "hist_gradient_boosting")]
)
def test_the_seed_matters(name: str) -> None:
    fresh = table(60, seed=1)
    assert not np.array_equal(
        fitted(name, table(), seed=1)[0].predict(fresh).values, fitted(name, table(), seed=2)[0].predict(fresh).values
    )


@pytest.mark.fault("F-25")
@each_model
def test_a_class_absent_from_the_fold_keeps_its_column(name: str) -> None:
    model, _ = fitted(name, table(codes=(0, 2)))
    values = model.predict(table(30, seed=1)).values
    assert values.shape == (30, 3)
    assert (values[:, 1] == 0).all()
    assert values[:, 2].max() > 0.5


@pytest.mark.fault("F-25")
@each_model
def test_a_fold_of_one_class_is_predicted_by_a_constant(name: str, tmp_path: Path) -> None:
    model, log = fitted(name, table(codes=(1,)))
    model.save(tmp_path)
    loaded = build(name)
    loaded.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(table(4)).values, [[0.0, 1.0, 0.0]] * 4)
    assert log.notes == ["a fold is predicted by a constant: all its rows have the same target"]


@pytest.mark.fault("F-21")
@each_model
def test_columns_that_never_vary_give_the_shares_of_the_classes(name: str) -> None:
    train = table()
    model, log = fitted(name, train.with_inputs(train.inputs[["empty", "constant"]]))
    shares = np.bincount(np.asarray(train.targets)) / len(train)
    np.testing.assert_allclose(model.predict(train).values, np.tile(shares, (len(train), 1)))
    assert "no input column varies" in log.notes[0]


@pytest.mark.fault("F-21", "F-24")
@each_model
def test_new_levels_infinities_and_shuffled_columns_are_fine(name: str) -> None:
    model, _ = fitted(name, table())
    fresh = table(20, seed=1)
    frame = fresh.inputs.copy()
    frame["kind"] = pd.Categorical(["new"] * 20)
    frame.loc[3, "noise"] = np.inf
    frame.loc[:, "empty"] = 1.0
    frame.loc[4, "constant"] = np.nan
    values = model.predict(fresh.with_inputs(frame)).values
    assert np.isfinite(values).all()
    turned = fresh.with_inputs(frame[frame.columns[::-1]])
    assert model.predict(turned).values.tobytes() == values.tobytes()


@each_model
def test_a_category_of_more_than_255_levels(name: str) -> None:
    train = table(600)
    many = pd.Categorical([f"level {number % 300}" for number in range(600)])
    model, _ = fitted(name, train.with_inputs(train.inputs.assign(many=many)))
    assert np.isfinite(model.predict(train.with_inputs(train.inputs.assign(many=many))).values).all()


@each_model
def test_weights_move_the_answer_or_a_note_says_that_they_are_lost(name: str) -> None:
    train = table()
    heavy = Examples(train.ids, train.inputs, train.targets, weights=np.where(train.targets == 2, 50.0, 1.0))
    model, log = fitted(name, heavy)
    plain, _ = fitted(name, train)
    if name == "easy_ensemble":
        assert "weights are ignored" in log.notes[0]
    else:
        assert model.predict(train).values[:, 2].mean() > plain.predict(train).values[:, 2].mean() + 0.01


@pytest.mark.parametrize("name", ["catboost", "hist_gradient_boosting", "random_forest", "logistic_regression"])
def test_balanced_weights_are_those_of_scikit_learn(name: str) -> None:
    from sklearn.utils.class_weight import compute_sample_weight

    rare = np.flatnonzero(table(300).targets != 2)
    rows = np.concatenate([rare, np.flatnonzero(table(300).targets == 2)[:10]]).astype(np.int64)
    train = table(300).take(rows)
    weights = compute_sample_weight("balanced", train.targets)
    by_hand, _ = fitted(name, Examples(train.ids, train.inputs, train.targets, weights=weights))
    by_option, _ = fitted(name, train, class_weights="balanced")
    np.testing.assert_allclose(by_option.predict(train).values, by_hand.predict(train).values, rtol=1e-9)


@each_model
def test_an_array_of_numbers_is_a_table(name: str) -> None:
    train = table()
    numbers = train.inputs[["x", "noise"]].to_numpy()
    model, _ = fitted(name, train.with_inputs(numbers))
    assert np.isfinite(model.predict(train.with_inputs(numbers)).values).all()


@each_model
def test_no_rows_give_no_predictions(name: str) -> None:
    model, _ = fitted(name, table())
    assert model.predict(table().take(np.array([], dtype=np.int64))).values.shape == (0, 3)


@pytest.mark.parametrize("name", REGRESSION)
def test_a_regression_learns_and_comes_back(name: str, tmp_path: Path) -> None:
    train = table()
    train = Examples(train.ids, train.inputs, np.asarray(train.targets) * 10.0 + 1.5)
    model, _ = fitted(name, train, task=TaskType.REGRESSION)
    predictions = model.predict(train)
    assert predictions.columns == ("point",)
    assert predictions.values.shape == (150, 1)
    errors = predictions.values[:, 0] - np.asarray(train.targets)
    assert np.sqrt((errors**2).mean()) < 0.6 * np.asarray(train.targets).std()
    model.save(tmp_path)
    loaded = build(name, TaskType.REGRESSION)
    loaded.load(tmp_path)
    assert loaded.predict(train).values.tobytes() == predictions.values.tobytes()


@pytest.mark.parametrize("name", REGRESSION)
def test_a_regression_on_one_value_predicts_it(name: str) -> None:
    train = table()
    model, _ = fitted(name, Examples(train.ids, train.inputs, np.full(150, 7.25)), task=TaskType.REGRESSION)
    assert set(model.predict(train).values.ravel()) == {7.25}


def test_catboost_stops_early_on_the_inner_rows_and_tells_its_best_iteration() -> None:
    log = Log()
    model = build("catboost", iterations=400, learning_rate=0.5, early_stopping=5)
    model.fit(table(100), table(60, seed=2), log)
    best: int = model.best_iteration  # type: ignore[attr-defined]
    curve = [metrics["inner_multiclass"] for _, metrics in log.epochs]
    assert 1 <= best < 100
    assert log.epochs[0][0] == 0
    assert {"train_multiclass", "inner_multiclass"} == set(log.epochs[0][1])
    assert min(curve) < curve[-1] or len(curve) < 400


@pytest.mark.fault("F-25")
def test_catboost_ignores_inner_rows_of_classes_it_never_saw() -> None:
    model = build("catboost", early_stopping=5)
    model.fit(table(100, codes=(0, 1)), table(60, seed=2), Log())
    assert (model.predict(table(10)).values[:, 2] == 0).all()


def test_catboost_logs_few_points_and_the_last_iteration() -> None:
    _, log = fitted("catboost", table(60), iterations=180, depth=2)
    steps = [step for step, _ in log.epochs]
    assert len(steps) == MOST_POINTS == len(set(steps))
    assert (steps[0], steps[-1]) == (0, 179)


def test_only_catboost_asks_for_an_inner_holdout() -> None:
    asking = {name: recipe.inner for name, recipe in RECIPES.items() if recipe.inner is not None}
    assert list(asking) == ["catboost"]
    wants = asking["catboost"]
    kind = RECIPES["catboost"].params
    assert wants is not None
    assert not wants(kind())
    assert wants(kind(early_stopping=20))
    assert RECIPES["catboost"].iterations == "iterations"


def test_catboost_files_of_equal_trainings_are_equal(tmp_path: Path) -> None:
    for part in ("one", "two"):
        (tmp_path / part).mkdir()
        fitted("catboost", table())[0].save(tmp_path / part)
    assert (tmp_path / "one/model.cbm").read_bytes() == (tmp_path / "two/model.cbm").read_bytes()


def test_catboost_writes_nothing_beside_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fitted("catboost", table(40))
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_catboost_does_not_know_is_told() -> None:
    with pytest.raises(ConfigError, match=r"^imbalance.catboost: CatBoost refuses: .*Loglos"):
        fitted("catboost", table(), loss="Loglos")


def test_a_solver_that_stops_early_is_noted() -> None:
    _, log = fitted("logistic_regression", table(), max_iter=1)
    assert log.notes == ["the solver stopped after 1 iterations; raise max_iter or lower C"]


def test_boosting_that_ends_early_is_noted() -> None:
    train = table(200)
    noise = train.with_inputs(train.inputs[["noise"]])
    model, log = fitted("rusboost", noise, rounds=200, learning_rate=1.0)
    rounds = len(model.engine.pipeline.named_steps["model"].estimators_)  # type: ignore[attr-defined]
    assert rounds < 200
    assert log.notes[0].startswith(f"boosting ended after {rounds} of 200 rounds")


class Canary:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.fault("F-41")
@each_model
def test_a_pickle_in_the_place_of_a_model_is_not_executed(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    fitted(name, table())[0].save(folder)
    for path in folder.glob("model.*"):
        path.write_bytes(pickle.dumps(Canary(tmp_path / "executed")))
    with pytest.raises(StoreError):
        build(name).load(folder)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["text"] * 150, "inputs are list, expected a table"),
        (pd.DataFrame({"word": ["text"] * 150}), r"neither numbers nor categories: word \(str\)"),
        (pd.DataFrame({"when": pd.to_datetime(["2020-01-01"] * 150)}), "when"),
        (pd.DataFrame(index=range(150)), "no column"),
        (pd.DataFrame(np.zeros((150, 2)), columns=["x", "x"]), "doubled columns: x"),
    ],
)
def test_inputs_that_are_no_table_are_told(inputs: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fitted("catboost", table().with_inputs(inputs))


def test_columns_missing_at_predict_are_named() -> None:
    model, _ = fitted("logistic_regression", table())
    fresh = table(5)
    with pytest.raises(DataError, match="trained on: noise, kind"):
        model.predict(fresh.with_inputs(fresh.inputs.drop(columns=["noise", "kind"])))
    with pytest.raises(DataError, match="other way round: x"):
        model.predict(fresh.with_inputs(fresh.inputs.assign(x=fresh.inputs["x"].astype("category"))))


def test_infinite_values_are_noted() -> None:
    train = table()
    _, log = fitted("logistic_regression", train.with_inputs(train.inputs.assign(noise=np.inf)))
    assert log.notes == ["infinite values are read as missing in 1 columns: noise"]


def test_a_table_is_read_by_hand() -> None:
    frame = pd.DataFrame({"n": [1, 2], "f": [np.inf, 0.5], "c": pd.Categorical([None, 7]), "b": [True, False]})
    read = read_table(frame, learn_columns(frame))
    assert read.to_dict("list") == {
        "n": [1.0, 2.0],
        "f": [pytest.approx(np.nan, nan_ok=True), 0.5],
        "c": [MISSING, "7"],
        "b": [1.0, 0.0],
    }
    assert [str(dtype) for dtype in read.dtypes] == ["float64", "float64", "object", "float64"]


def test_listing_the_offers_imports_nothing_heavy() -> None:
    code = (
        "import sys; from harness_imbalance.models import models;"
        " from harness_imbalance.rebalancers import rebalancers;"
        " list(models()), list(rebalancers());"
        " print(sorted({'numpy', 'pandas', 'sklearn', 'catboost', 'imblearn', 'skops', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@each_model
def test_every_parameter_is_documented(name: str) -> None:
    assert all(doc.help for doc in document(RECIPES[name].params))


@pytest.mark.slow
@pytest.mark.skipif("HARNESS_REAL_DATA" not in os.environ, reason="HARNESS_REAL_DATA is not set")
@each_model
def test_it_beats_the_class_prior_on_real_credit_data(name: str) -> None:
    from sklearn.metrics import roc_auc_score

    folder = Path(os.environ["HARNESS_REAL_DATA"]) / "class-imbalance" / "credit_rare_layout"
    rows = pd.read_csv(folder / "train.csv.gz", nrows=6000)
    targets = (rows["default"] == "default").to_numpy().astype(np.int64)
    frame = rows.drop(columns=["row_id", "default"]).astype(float)
    frame["SEX"] = frame["SEX"].astype("category")
    examples = Examples(rows["row_id"].to_numpy(dtype=object), frame, targets)
    model, _ = fitted(name, examples.take(np.arange(4500)), task=TaskType.BINARY)
    values = model.predict(examples.take(np.arange(4500, 6000))).values
    assert roc_auc_score(targets[4500:], values[:, 1]) > 0.6


def test_ridge_is_the_closed_form_on_standardised_columns() -> None:
    rng = np.random.default_rng(0)
    x, new = rng.normal(2, 3, (40, 3)), rng.normal(2, 3, (5, 3))
    y = x @ [1.0, -2.0, 0.5] + rng.normal(size=40)
    for scale in (True, False):
        params = parse_params(RIDGE.params, {"alpha": 7.0, "scale": scale}, "ridge")
        model: Model = RIDGE.build(params, info(TaskType.REGRESSION), BuildContext())
        model.fit(Examples(np.arange(40).astype(str).astype(object), x, y), None, Log())
        centre, width = x.mean(axis=0), x.std(axis=0) if scale else 1.0
        z = (x - centre) / width
        weights = np.linalg.solve(z.T @ z + 7.0 * np.eye(3), z.T @ (y - y.mean()))
        found = model.predict(Examples(np.arange(5).astype(str).astype(object), new)).values[:, 0]
        np.testing.assert_allclose(found, (new - centre) / width @ weights + y.mean())
