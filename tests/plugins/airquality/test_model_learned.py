"""Every learned model keeps the contract on awkward tables, learns, and gives intervals that mean something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from harness_airquality.models import models
from harness_airquality.models.catboost import CatBoostParams, _options

from harness.data import DatasetInfo, Examples, TaskType
from harness.errors import ConfigError, DataError
from harness.offers import BuildContext
from harness.params import document, parse_params

RECIPES = {recipe.name.split(".")[1]: recipe for recipe in models()}
INFO = DatasetInfo("made up", TaskType.REGRESSION)
SMALL: dict[str, dict[str, Any]] = {
    "catboost": {"iterations": 60, "learning_rate": 0.2, "depth": 4},
    "hist_gradient_boosting": {"iterations": 40, "min_leaf": 10},
    "extra_trees": {"trees": 25},
    "ridge": {},
}
INTERVALS = ["catboost", "hist_gradient_boosting", "extra_trees"]
BOOSTING = INTERVALS[:2]
each_model = pytest.mark.parametrize("name", list(SMALL))


class Log:
    """Keeps what a model tells."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.notes: list[str] = []

    def epoch(self, step: int, **metrics: float) -> None:
        self.steps.append(step)

    def note(self, text: str) -> None:
        self.notes.append(text)


def rows(n: int = 300, seed: int = 0) -> Examples:
    """Simulated stations: log-normal PM2.5 of a city's level and a band, as `airquality.stations` would give them."""
    rng = np.random.default_rng(seed)
    city = rng.integers(0, 3, n)
    band = rng.normal(size=n)
    level = 2.5 + 0.6 * city + 0.5 * band
    inputs = pd.DataFrame(
        {
            "place": [f"site {number}" for number in rng.integers(0, 12, n)],
            "time": pd.Timestamp("2023-01-01") + pd.to_timedelta(np.arange(n), "D"),
            "latitude": rng.normal(size=n),
            "longitude": np.nan,
            "region": np.array(["a", "b", "c"], dtype=object)[city],
            "band": np.where(rng.random(n) < 0.1, np.nan, band),
            "kind": pd.Categorical.from_codes(np.where(rng.random(n) < 0.1, -1, city), categories=["p", "q", "r"]),
            "hollow": pd.Categorical([None] * n, categories=["z"]),
        }
    )
    ids = np.array([f"row-{number}" for number in range(n)], dtype=object)
    return Examples(ids, inputs, np.exp(level + rng.normal(0, 0.4, n)))


def build(name: str, seed: int = 5, device: Any = "cpu", **more: Any) -> Any:
    recipe = RECIPES[name]
    params = parse_params(recipe.params, {**SMALL[name], **more}, name)
    return recipe.build(params, INFO, BuildContext(seed=seed, device=device, threads=1))


def fitted(name: str, train: Examples, inner: Examples | None = None, **more: Any) -> tuple[Any, Log]:
    log, model = Log(), build(name, **more)
    model.fit(train, inner, log)
    return model, log


def point(model: Any, examples: Examples) -> np.ndarray:
    return np.asarray(model.predict(examples.unlabelled()).values[:, 0])


@each_model
@pytest.mark.parametrize("transform", ["none", "log1p", "sqrt"])
def test_it_learns(name: str, transform: str) -> None:
    model, _ = fitted(name, rows(), transform=transform)
    fresh = rows(200, seed=1)
    assert fresh.targets is not None
    error = np.abs(point(model, fresh) - fresh.targets).mean()
    assert error < 0.75 * np.abs(fresh.targets - fresh.targets.mean()).mean()
    assert model.predict(fresh).columns == ("point",)
    assert list(model.predict(fresh).ids) == list(fresh.ids)


@each_model
@pytest.mark.parametrize("transform", ["log1p", "sqrt"])
def test_the_correction_brings_the_mean_back(name: str, transform: str) -> None:
    train, fresh = rows(1500), rows(3000, seed=1)
    assert fresh.targets is not None
    plain = point(fitted(name, train, transform=transform, bias_correction=False)[0], fresh).mean()
    model, log = fitted(name, train, transform=transform)
    corrected = point(model, fresh).mean()
    assert plain < 0.98 * corrected
    assert corrected == pytest.approx(fresh.targets.mean(), rel=0.04)
    assert sum("smearing multiplies" in note for note in log.notes) == 1


@pytest.mark.parametrize("name", ["catboost", "hist_gradient_boosting", "extra_trees"])
def test_a_median_is_not_corrected(name: str) -> None:
    train, fresh = rows(), rows(50, seed=1)
    one, other = (
        fitted(name, train, loss="mae", transform="log1p", bias_correction=wanted)[0] for wanted in (True, False)
    )
    assert point(one, fresh).tobytes() == point(other, fresh).tobytes()


def test_the_inner_holdout_gives_the_residuals_where_there_is_one() -> None:
    train, inner = rows(), rows(100, seed=1)
    assert inner.targets is not None
    model, _ = fitted("ridge", train, inner, transform="log1p")
    plain = point(fitted("ridge", train, transform="log1p", bias_correction=False)[0], inner)
    factor = (inner.targets + 1).mean() / (plain + 1).mean()
    np.testing.assert_allclose(point(model, inner) + 1, (plain + 1) * factor)


@pytest.mark.parametrize("name", INTERVALS)
@pytest.mark.parametrize("transform", ["none", "log1p"])
def test_an_interval_covers_about_its_share(name: str, transform: str) -> None:
    more: dict[str, Any] = {
        "catboost": {"iterations": 60, "learning_rate": 0.1},
        "hist_gradient_boosting": {"iterations": 60, "leaves": 8},
        "extra_trees": {"trees": 150, "min_leaf": 5},
    }[name]
    train, fresh = rows(1500), rows(1500, seed=1)
    predictions = fitted(name, train, transform=transform, interval=0.8, **more)[0].predict(fresh.unlabelled())
    assert predictions.columns == ("point", "lower", "upper")
    centre, lower, upper = predictions.values.T
    assert ((lower <= centre) & (centre <= upper) & (lower >= 0)).all()
    assert fresh.targets is not None
    assert 0.7 < ((lower <= fresh.targets) & (fresh.targets <= upper)).mean() < 0.87
    bare = fitted(name, train, transform=transform, **more)[0]
    assert point(bare, fresh).tobytes() == centre.tobytes()


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("catboost", {"loss": "mae"}),
        ("catboost", {"loss": "huber", "huber_delta": 3.0}),
        ("catboost", {"loss": "poisson", "learning_rate": 0.05}),
        ("catboost", {"loss": "tweedie", "learning_rate": 0.05, "tweedie_power": 1.3}),
        ("hist_gradient_boosting", {"loss": "mae"}),
        ("hist_gradient_boosting", {"loss": "poisson"}),
        ("extra_trees", {"loss": "mae"}),
    ],
)
def test_every_loss_learns_and_comes_back_from_disk(name: str, more: dict[str, Any], tmp_path: Path) -> None:
    model, _ = fitted(name, rows(), **more)
    fresh = rows(200, seed=1)
    assert fresh.targets is not None
    assert (
        np.abs(point(model, fresh) - fresh.targets).mean() < 0.8 * np.abs(fresh.targets - fresh.targets.mean()).mean()
    )
    model.save(tmp_path)
    loaded = build(name, **more)
    loaded.load(tmp_path)
    assert point(loaded, fresh).tobytes() == point(model, fresh).tobytes()


@each_model
def test_a_loaded_model_predicts_the_same_bytes(name: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {"transform": "sqrt"}
    if name in INTERVALS:
        more |= {"interval": 0.9, **({"bag": 2} if name in BOOSTING else {})}
    model, _ = fitted(name, rows(), **more)
    model.save(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]
    loaded = build(name, **more)
    loaded.load(tmp_path)
    fresh = rows(40, seed=1)
    assert loaded.predict(fresh).columns == model.predict(fresh).columns
    assert loaded.predict(fresh).values.tobytes() == model.predict(fresh).values.tobytes()


@each_model
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    fresh = rows(60, seed=1)
    one, other = (point(fitted(name, rows(), transform="log1p")[0], fresh) for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_a_bag_is_the_mean_of_its_seeds() -> None:
    train, fresh = rows(), rows(50, seed=1)
    model, log = fitted("catboost", train, bag=3)
    each = [member.predict(fresh.with_inputs(fresh.inputs)).values[:, 0] for member in model.points]
    assert len({values.tobytes() for values in each}) == 3
    np.testing.assert_allclose(point(model, fresh), np.mean(each, axis=0))
    assert log.steps == sorted(set(log.steps))


def test_early_stopping_tells_the_median_of_the_best_iterations() -> None:
    more = {"iterations": 400, "learning_rate": 0.3, "early_stopping": 10, "bag": 3}
    model, _ = fitted("catboost", rows(), rows(100, seed=1), **more)
    found = sorted(member.best_iteration for member in model.points)
    assert model.best_iteration == found[1] < 400
    assert not hasattr(fitted("catboost", rows())[0], "best_iteration")
    assert RECIPES["catboost"].iterations == "iterations"


@each_model
def test_a_constant_target_is_predicted(name: str) -> None:
    train = rows(40)
    constant = Examples(train.ids, train.inputs, np.full(40, 7.0))
    more = {"interval": 0.9} if name in INTERVALS else {}
    values = fitted(name, constant, transform="log1p", **more)[0].predict(rows(10, seed=1)).values
    np.testing.assert_allclose(values, 7.0)


@each_model
def test_one_row_is_enough(name: str) -> None:
    train = rows(1)
    values = fitted(name, train, transform="sqrt")[0].predict(rows(3, seed=1)).values
    np.testing.assert_allclose(values[:, 0], np.asarray(train.targets)[0])


@pytest.mark.parametrize("name", INTERVALS)
def test_without_a_column_that_varies_quantiles_are_those_of_the_targets(name: str) -> None:
    n = 101
    inputs = pd.DataFrame({"latitude": np.full(n, 1.0), "empty": np.full(n, np.nan)})
    train = Examples(np.arange(n).astype(str).astype(object), inputs, np.arange(n) ** 2 / 10.0)
    model, log = fitted(name, train, loss="mae", transform="sqrt", interval=0.9)
    values = model.predict(train.unlabelled().take(np.array([3]))).values
    np.testing.assert_allclose(values, [[50**2 / 10, 5**2 / 10, 95**2 / 10]])
    assert len(log.notes) == 1


@each_model
def test_no_prediction_lies_below_zero_where_no_target_does(name: str) -> None:
    train = rows()
    assert train.targets is not None
    low = Examples(train.ids, train.inputs, np.where(train.targets < np.median(train.targets), 0.0, train.targets))
    fresh = rows(300, seed=1)
    wild = fresh.inputs.assign(band=fresh.inputs["band"] * 20)
    assert point(fitted(name, low)[0], fresh.with_inputs(wild)).min() >= 0
    shifted = Examples(train.ids, train.inputs, train.targets - 50)
    assert point(fitted(name, shifted)[0], fresh).min() < 0


def test_a_linear_model_on_a_log_scale_stays_near_the_training_targets() -> None:
    train = rows()
    assert train.targets is not None
    model, _ = fitted("ridge", train, transform="log1p", bias_correction=False)
    wild = train.with_inputs(train.inputs.assign(band=1e6))
    assert point(model, wild).max() == pytest.approx(train.targets.max())


def test_a_leaf_quantile_is_one_of_the_leafs_targets() -> None:
    kinds = np.repeat([0.0, 1.0], 40)
    targets = np.where(kinds == 0, np.arange(80) % 10, 100 + np.arange(80) % 10).astype(np.float64)
    inputs = pd.DataFrame({"kind": kinds})
    train = Examples(np.arange(80).astype(str).astype(object), inputs, targets)
    model, _ = fitted("extra_trees", train, trees=400, interval=0.8)
    values = model.predict(train.unlabelled().take(np.array([0, 79]))).values
    np.testing.assert_allclose(values, [[4.5, 1, 8], [104.5, 101, 108]], atol=1)


def test_place_time_and_region_are_not_learned() -> None:
    train, fresh = rows(), rows(50, seed=1)
    model, _ = fitted("ridge", train)
    other = fresh.inputs.assign(place="elsewhere", time=pd.Timestamp("1999-01-01"), region="d")
    assert point(model, fresh).tobytes() == point(model, fresh.with_inputs(other)).tobytes()


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("hist_gradient_boosting", {"loss": "huber"}, "loss = 'huber': it has rmse, mae, poisson; airquality.catboost"),
        ("extra_trees", {"loss": "tweedie"}, "loss = 'tweedie': it has rmse, mae;"),
        ("catboost", {"loss": "poisson", "transform": "log1p"}, "logarithmic scale already, so transform = 'log1p'"),
        ("catboost", {"interval": 1.5}, r"interval = 1.5: expected a number in \[0, 0.999\]"),
        ("catboost", {"loss": "mse"}, "loss = 'mse'; "),
    ],
)
def test_what_a_model_lacks_is_refused(name: str, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(name, **more)


@pytest.mark.parametrize("name", BOOSTING)
def test_a_poisson_loss_refuses_negative_targets(name: str) -> None:
    train = rows(20)
    assert train.targets is not None
    with pytest.raises(DataError, match=f"airquality.{name}: .*at least 0, but 20 of 20"):
        fitted(name, Examples(train.ids, train.inputs, -train.targets), loss="poisson")


@each_model
def test_rows_without_targets_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="training rows with targets"):
        fitted(name, rows(5).unlabelled())


def test_rsm_stays_away_from_a_gpu() -> None:
    params = CatBoostParams(rsm=0.3, subsample=1.0)
    assert _options(params, "RMSE", "cpu")["rsm"] == 0.3
    assert "rsm" not in _options(params, "RMSE", "cuda")
    assert "subsample" not in _options(params, "RMSE", "cpu")


def test_listing_the_models_loads_nothing_heavy() -> None:
    code = (
        "import sys; from harness_airquality.models import models; list(models());"
        "print([name for name in ('numpy', 'pandas', 'sklearn', 'catboost') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_parameter_is_documented(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.tasks == {TaskType.REGRESSION}
    assert all(doc.help for doc in document(recipe.params))
