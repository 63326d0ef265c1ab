"""Every model the plugin offers."""

from __future__ import annotations

from collections.abc import Iterable

from harness.offers import ModelRecipe


def models() -> Iterable[ModelRecipe]:
    """Yield the recipes: ULMFiT and its peers."""
    from harness_protein import neighbours, peers
    from harness_protein.ulmfit.recipe import recipe

    yield recipe()
    yield neighbours.RECIPE
    yield from peers.recipes()
