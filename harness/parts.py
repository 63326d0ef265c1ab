"""The offers a strategy names, found and with their parameters parsed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from harness.competition import Strategy
from harness.competition_file import FILE
from harness.data import DatasetInfo
from harness.errors import ConfigError
from harness.offers import Features, ModelRecipe, Rebalancer, Stage
from harness.params import parse_params
from harness.prepare import Prepared

CORPUS = "unlabelled:"
"""How a stage names a corpus among the parts that it uses."""


@dataclass(frozen=True, eq=False)
class Parts:
    """A strategy's offers with their parsed parameters."""

    recipe: ModelRecipe
    model: Any
    features: Features | None
    features_params: Any
    rebalancer: Rebalancer | None
    rebalancer_params: Any


def parts_of(strategy: Strategy, prepared: Prepared) -> Parts:
    """Find a strategy's features, model and rebalancer and parse their parameters.

    Raises
    ------
    HarnessError
        Naming the strategy and what is wrong with it.
    """
    plugins, where = prepared.plugins, f"{prepared.competition.id}/{FILE}: strategies.{strategy.name}"
    recipe = plugins.find(ModelRecipe, strategy.model.name, f"{where}: model")
    if prepared.competition.task not in recipe.tasks:
        raise ConfigError(f"{where}: model {recipe.name!r} does not fit task {prepared.competition.task.value!r}")
    features = rebalancer = features_params = rebalancer_params = None
    if strategy.features is not None:
        features = plugins.find(Features, strategy.features.name, f"{where}: features")
        features_params = parse_params(features.params, strategy.features.params, f"{where}: features")
    if strategy.rebalancer is not None:
        if not prepared.competition.task.single_label:
            raise ConfigError(f"{where}: a rebalancer needs a single-label task")
        rebalancer = plugins.find(Rebalancer, strategy.rebalancer.name, f"{where}: rebalancer")
        rebalancer_params = parse_params(rebalancer.params, strategy.rebalancer.params, f"{where}: rebalancer")
    model = parse_params(recipe.params, strategy.model.params, f"{where}: model")
    return Parts(recipe, model, features, features_params, rebalancer, rebalancer_params)


def warning_of(strategy: Strategy, prepared: Prepared) -> str:
    """Return what a person should know before a strategy trains on these data; empty where there is nothing."""
    parts = parts_of(strategy, prepared)
    return parts.recipe.warn(parts.model, prepared.dataset.info) if parts.recipe.warn else ""


def weights_seen(parts: Parts) -> list[str]:
    """Return the parameters of a strategy that name pretrained weights: ``model.weights``."""
    named = {"features": parts.features_params, "model": parts.model, "rebalancer": parts.rebalancer_params}
    return [
        f"{part}.{field.name}"
        for part, params in named.items()
        if params is not None
        for field in fields(params)
        if field.metadata.get("weights") and getattr(params, field.name)
    ]


def stages_of(parts: Parts, info: DatasetInfo) -> list[Stage]:
    """Return the stages that a strategy's model and features declare."""
    found = [*(parts.recipe.stages(parts.model, info) if parts.recipe.stages else ())]
    if parts.features is not None and parts.features.stages is not None:
        found += parts.features.stages(parts.features_params, info)
    return found


def corpora_seen(parts: Parts, info: DatasetInfo) -> list[str]:
    """Return the names of the unlabelled corpora that stages learn from."""
    return sorted(part.removeprefix(CORPUS) for part in parts_seen(parts, info) if part.startswith(CORPUS))


def parts_seen(parts: Parts, info: DatasetInfo) -> set[str]:
    """Return the parts of the data that stages learn from, beside the fold's own rows: ``test``, ``valid``, ..."""
    return {part for stage in stages_of(parts, info) for part in stage.uses}
