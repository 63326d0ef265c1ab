"""A network and a slow mean of it that it learns to predict (Grill et al. 2020, https://arxiv.org/abs/2006.07733)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from harness_imagewang.network import Encoder, Headed
from harness_imagewang.pretext.views import projector


class Twins(nn.Module):
    """A network, a slow mean of it, and what predicts the slow one's answers."""

    def __init__(self, encoder: Encoder, width: int = 128) -> None:
        super().__init__()
        self.encoder = encoder
        self.online = Headed(encoder, projector(encoder.width, width))
        self.slow = copy.deepcopy(self.online).requires_grad_(False)
        self.predictor = projector(width, width)

    def forward(self, images: Tensor) -> Tensor:
        """Return predictions, then the slow network's answers: (2, m, width), one tensor as mixed precision wants."""
        with torch.no_grad():
            answers = self.slow(images)
        return torch.stack([self.predictor(self.online(images)), answers])

    @torch.no_grad()
    def follow(self, share: float) -> None:
        """Move the slow network's weights by a share of their difference towards the network's."""
        for slow, fast in zip(self.slow.parameters(), self.online.parameters(), strict=True):
            slow.lerp_(fast, share)
