"""Colourisation: colour a grey picture (Zhang et al. 2016, https://arxiv.org/abs/1603.08511)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from harness_imagewang.augment import Draw, grey_of
from harness_imagewang.pretext.protocol import Pretext


class Colour(Pretext):
    """The picture loses all colour, and the network gives it back."""

    name = "colour"
    summary = "colour a grey picture"
    network = "unet"

    def prepare(self, images: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        """Return grey pictures and what they were."""
        whole = draw.crop(images)
        return grey_of(whole).expand_as(whole), whole

    def loss(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Return the mean absolute error."""
        return functional.l1_loss(predicted, target)
