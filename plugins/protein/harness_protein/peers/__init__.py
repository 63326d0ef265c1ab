"""The models that ULMFiT is compared with; nothing heavy is imported until one is built."""

from __future__ import annotations

from collections.abc import Iterable

from harness.offers import ModelRecipe


def recipes() -> Iterable[ModelRecipe]:
    """Yield every peer."""
    from harness_protein.peers import composition, esm, networks, tfidf

    yield tfidf.recipe()
    yield composition.recipe()
    yield from networks.recipes()
    yield esm.recipe()
