"""The model ``digits.cnn``: a small convolutional network, from random weights or from a pretrained encoder."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data import DatasetInfo, TaskType
from harness.offers import BuildContext, Model, ModelRecipe
from harness.params import param

from harness_digits.pretext import PretextParams, stages


@dataclass(frozen=True)
class CnnParams(PretextParams):
    """Parameters of ``digits.cnn``; those of the autoencoder count only where there is a pretext."""

    epochs: int = param(12, "passes over the training pictures", low=1, high=1000)
    rate: float = param(3e-3, "highest learning rate", low=1e-5, high=0.1, log=True)
    batch: int = param(64, "pictures in a batch", low=2, high=4096)
    dropout: float = param(0.3, "share of the features that are left out in a step", low=0.0, high=0.9)


def build(params: CnnParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model; torch is loaded here, not when the plugin is listed."""
    from harness_digits.classifier import Cnn

    return Cnn(params, info, context)


CNN = ModelRecipe(
    name="digits.cnn",
    summary="a small convolutional network, from random weights or from an autoencoder's encoder",
    tasks=frozenset({TaskType.MULTICLASS}),
    params=CnnParams,
    build=build,
    stages=stages,
    iterations="epochs",
)
