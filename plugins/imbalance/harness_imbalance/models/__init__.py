"""Models: one method, one file; the libraries load when a model is fitted, not when it is listed."""

from __future__ import annotations

from collections.abc import Iterable

from harness.offers import ModelRecipe

from . import (
    balanced_random_forest,
    catboost,
    easy_ensemble,
    hist_gradient_boosting,
    logistic_regression,
    random_forest,
    ridge,
    rusboost,
)


def models() -> Iterable[ModelRecipe]:
    """Yield every model of the plugin."""
    yield catboost.RECIPE
    yield hist_gradient_boosting.RECIPE
    yield random_forest.RECIPE
    yield logistic_regression.RECIPE
    yield ridge.RECIPE
    yield balanced_random_forest.RECIPE
    yield easy_ensemble.RECIPE
    yield rusboost.RECIPE
