"""Small networks trained from scratch: a convolutional one in the manner of ProtCNN, and a transformer encoder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.errors import ConfigError
from harness.offers import CLASSIFICATION, ModelRecipe
from harness_protein.peers.networks.params import CnnParams, NetworkParams, TransformerParams

if TYPE_CHECKING:
    from harness.data import DatasetInfo
    from harness.offers import BuildContext, Model


def recipes() -> Iterable[ModelRecipe]:
    """Yield ``protein.cnn`` and ``protein.transformer``."""
    yield ModelRecipe(
        "protein.cnn",
        "residual blocks of dilated convolutions over residues, in the manner of ProtCNN",
        CLASSIFICATION,
        CnnParams,
        _build,
        inner=_wants_inner,
    )
    yield ModelRecipe(
        "protein.transformer",
        "small transformer encoder over residues, trained from scratch",
        CLASSIFICATION,
        TransformerParams,
        _build,
        inner=_wants_inner,
    )


def _build(params: NetworkParams, info: DatasetInfo, context: BuildContext) -> Model:
    if isinstance(params, TransformerParams) and params.width % (2 * params.heads):
        raise ConfigError(
            f"protein.transformer: width = {params.width} is not a multiple of twice heads = {params.heads}"
        )
    from harness_protein.peers.networks.classifier import SequenceNetwork

    return SequenceNetwork(params, info, context)


def _wants_inner(params: NetworkParams) -> bool:
    return params.holdout
