"""SHAP values by input column: known answers, and columns put together again after encoding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from harness_airquality.importance import ROWS, importance
from harness_airquality.models import models

from harness.data import DatasetInfo, Examples, TaskType
from harness.offers import BuildContext
from harness.params import parse_params
from harness.results import FittedFold

INFO = DatasetInfo("toy", TaskType.REGRESSION)
RECIPES = {recipe.name: recipe for recipe in models()}
SETTINGS = {
    "airquality.catboost": {"iterations": 80, "learning_rate": 0.1, "depth": 4},
    "airquality.hist_gradient_boosting": {"iterations": 60},
    "airquality.extra_trees": {"trees": 30},
    "airquality.ridge": {},
}


class Quiet:
    def epoch(self, step, **metrics): ...
    def note(self, text): ...


def rows(n: int = 300) -> Examples:
    rng = np.random.default_rng(3)
    city = rng.choice(["Kampala", "Lagos"], n)
    table = pd.DataFrame(
        {
            "strong": rng.normal(size=n),
            "weak": rng.normal(size=n),
            "nothing": rng.normal(size=n),
            "city": pd.Categorical(city, categories=["Kampala", "Lagos"]),
        }
    )
    table.loc[::10, "weak"] = np.nan
    y = 50 - 6 * table["strong"] + 2 * table["weak"].fillna(0) + 4 * (city == "Lagos")
    ids = np.array([f"r{i}" for i in range(n)], dtype=object)
    return Examples(ids, table, y.to_numpy())


def fitted(name: str, train: Examples, index: int = 0) -> FittedFold:
    recipe = RECIPES[name]
    model = recipe.build(parse_params(recipe.params, SETTINGS.get(name, {}), name), INFO, BuildContext(seed=1))
    model.fit(train, None, Quiet())
    return FittedFold(index, model, lambda examples: examples)


@pytest.mark.parametrize("name", list(SETTINGS))
def test_what_the_target_is_made_of_comes_first_with_its_direction(name):
    train = rows()
    found = importance([fitted(name, train)], train, [np.arange(200, 300)])
    assert set(found["feature"]) == {"strong", "weak", "nothing", "city"}
    assert list(found["feature"][:1]) == ["strong"]
    weights = found.set_index("feature")
    assert weights.loc["nothing", "importance"] < 0.3 * weights.loc["city", "importance"]
    assert weights.loc["strong", "direction"] < -0.8
    assert weights.loc["weak", "direction"] > 0.5
    assert np.isnan(weights.loc["city", "direction"])


def test_shap_values_of_a_linear_model_are_its_terms():
    train = rows()
    held = np.arange(200, 200 + ROWS)
    fold = fitted("airquality.ridge", train)
    found = importance([fold], train, [held]).set_index("feature")
    encoder, model = (fold.model.points[0].engine.pipeline.named_steps[step] for step in ("encode", "model"))
    encoded = encoder.transform(train.inputs.iloc[held].assign(city=train.inputs["city"].astype(object)))
    at = list(encoder.get_feature_names_out()).index("numbers__strong")
    term = model.coef_[at] * (encoded[:, at] - encoded[:, at].mean())
    assert found.loc["strong", "importance"] == pytest.approx(np.abs(term).mean())


def test_folds_are_averaged_and_a_column_unused_in_one_counts_as_nothing_there():
    train = rows()
    without = train.with_inputs(train.inputs.assign(city=pd.Categorical(["Lagos"] * 300)))
    folds = [fitted("airquality.catboost", train, 0), fitted("airquality.catboost", without, 1)]
    one = importance(folds[:1], train, [np.arange(50)]).set_index("feature")
    both = importance(folds, train, [np.arange(50), np.arange(50)]).set_index("feature")
    assert both.loc["city", "importance"] == pytest.approx(one.loc["city", "importance"] / 2)


def test_baselines_are_not_explained():
    train = rows()
    constant: Callable[..., FittedFold] = fitted
    table = train.inputs.assign(place="a", region="b", time=pd.Timestamp("2024-01-01"), latitude=0.0, longitude=0.0)
    stations = train.with_inputs(table)
    fold = constant("airquality.site_mean", stations)
    assert importance([fold], stations, [np.arange(10)]).empty
