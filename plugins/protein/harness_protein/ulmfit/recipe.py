"""The offer of ULMFiT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.offers import CLASSIFICATION, ModelRecipe
from harness_protein.ulmfit.params import UlmfitParams
from harness_protein.ulmfit.stages import NAME, stages

if TYPE_CHECKING:
    from harness.data import DatasetInfo
    from harness.offers import BuildContext, Model


def _build(params: Any, info: DatasetInfo, context: BuildContext) -> Model:
    from harness_protein.ulmfit.classifier import Ulmfit

    return Ulmfit(params, info, context)


def recipe() -> ModelRecipe:
    """Return ``protein.ulmfit``."""
    return ModelRecipe(
        NAME,
        "AWD-LSTM language model of subwords, k-mers or residues, its encoder then trained as a classifier",
        CLASSIFICATION,
        UlmfitParams,
        _build,
        stages=stages,
    )
