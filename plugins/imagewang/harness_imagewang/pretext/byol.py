"""BYOL: predict one's own view of the same picture (Grill et al. 2020, https://arxiv.org/abs/2006.07733)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from lightly.loss import NegativeCosineSimilarity
from torch import Tensor, nn

from harness.params import param
from harness_imagewang.network import Encoder
from harness_imagewang.pretext.protocol import Column
from harness_imagewang.pretext.twins import Twins
from harness_imagewang.pretext.views import TwoViews, Views


@dataclass(frozen=True)
class Options(Views):
    """Knobs of BYOL."""

    momentum: float = param(0.98, "how much of the slow network stays at a step, at first", low=0.0, high=1.0)


class Byol(TwoViews):
    """Each view predicts what a slow mean of the network says of the other."""

    name = "byol"
    summary = "what a slow mean of the network says of the other view"
    Options = Options

    def build(self, encoder: Encoder, classes: int) -> nn.Module:  # noqa: ARG002
        """Return the network and its slow twin."""
        return Twins(encoder)

    def loss(self, predicted: Tensor, target: int) -> Tensor:
        """Return the mean negative cosine between predictions and the other view's answers."""
        found: Tensor = NegativeCosineSimilarity()(predicted[0], predicted[1].roll(target, 0))
        return found

    def after_step(self, network: nn.Module, done: float) -> None:
        """Let the slow network follow; it stands still at the end."""
        assert isinstance(network, Twins)
        network.follow((1 - self.options.momentum) * (math.cos(math.pi * done) + 1) / 2)

    def shown(self, inputs: Tensor, target: int, predicted: Tensor) -> list[Column]:
        """Show both views; tell how alike the prediction from one and the answer to the other are."""
        return super().shown(inputs, target, torch.cat([predicted[0, :target], predicted[1, target:]]))
