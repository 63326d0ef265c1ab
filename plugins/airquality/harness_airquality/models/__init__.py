"""Models: one method, one file; the libraries load when a model is built, not when it is listed."""

from __future__ import annotations

from collections.abc import Iterable

from harness.offers import ModelRecipe

from . import (
    catboost,
    extra_trees,
    hist_gradient_boosting,
    idw,
    persistence,
    ridge,
    seasonal_mean,
    site_mean,
)


def models() -> Iterable[ModelRecipe]:
    """Yield every model of the plugin."""
    yield catboost.RECIPE
    yield hist_gradient_boosting.RECIPE
    yield extra_trees.RECIPE
    yield ridge.RECIPE
    yield site_mean.RECIPE
    yield seasonal_mean.RECIPE
    yield persistence.RECIPE
    yield idw.RECIPE
