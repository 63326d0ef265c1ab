"""SwAV: two views of a picture belong to the same cluster (Caron et al. 2020, https://arxiv.org/abs/2006.09882)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from lightly.loss import SwaVLoss
from torch import Tensor, nn
from torch.nn import functional

from harness.params import param
from harness_imagewang.pretext.protocol import Column
from harness_imagewang.pretext.views import TwoViews, Views, projector


@dataclass(frozen=True)
class Options(Views):
    """Knobs of SwAV."""

    prototypes: int = param(64, "clusters", low=2, high=10_000)
    temperature: float = param(0.1, "softness of the guesses", low=0.01, high=10)


class Prototypes(nn.Module):
    """A projector and the cosines of its answers with the prototypes."""

    def __init__(self, width: int, count: int, outputs: int = 128) -> None:
        super().__init__()
        self.projector = projector(width, outputs)
        self.prototypes = nn.Parameter(torch.randn(count, outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Return cosines (m, count), in float32: balancing the clusters magnifies their differences."""
        answers = functional.normalize(self.projector(features).float(), dim=1)
        with torch.autocast(features.device.type, enabled=False):
            return answers @ functional.normalize(self.prototypes, dim=1).T


class Swav(TwoViews):
    """The cluster of one view is told from the other; clusters are kept equally full."""

    name = "swav"
    summary = "the cluster of the other view, clusters being equally full"
    Options = Options

    def head(self, width: int, classes: int) -> nn.Module:  # noqa: ARG002
        """Return projector and prototypes."""
        return Prototypes(width, self.options.prototypes)

    def loss(self, predicted: Tensor, target: int) -> Tensor:
        """Return the cross-entropy between each view's guess and the other's balanced cluster."""
        swapped = SwaVLoss(temperature=self.options.temperature)
        return torch.sum(swapped([predicted[:target], predicted[target:]], []))

    def shown(self, inputs: Tensor, target: int, predicted: Tensor) -> list[Column]:
        """Show both views and the cluster that each is in."""
        codes = predicted.argmax(dim=1).tolist()
        pairs = [f"{one} and {other}" for one, other in zip(codes[:target], codes[target:], strict=True)]
        return [*super().shown(inputs, target, predicted)[:2], Column("cluster", pairs)]
