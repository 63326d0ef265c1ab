"""What tasks of two views share: the views, the projector, what a picture of a batch tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.params import param
from harness_imagewang.augment import Draw
from harness_imagewang.pretext.protocol import Column, Pretext


@dataclass(frozen=True)
class Views:
    """Knobs of the views."""

    least: float = param(0.3, "least share of a picture's area that a view shows", low=0.01, high=1.0)
    colour: float = param(0.6, "how much brightness, contrast and saturation of a view change", low=0.0, high=1.0)


class TwoViews(Pretext):
    """Two views of each picture go in, first all first ones; the target is how many pictures there are."""

    Options: ClassVar[type[Any]] = Views

    def prepare(self, images: Tensor, draw: Draw) -> tuple[Tensor, int]:
        """Return (2 b, 3, h, w) views and b."""
        return torch.cat([self._view(images, draw) for _ in range(2)]), len(images)

    def _view(self, images: Tensor, draw: Draw) -> Tensor:
        colour = self.options.colour
        cropped = draw.crop(images, (self.options.least, 1.0))
        return draw.grey(draw.jitter(cropped, colour, colour, colour, hue=colour / 4))

    def shown(self, inputs: Tensor, target: int, predicted: Tensor) -> list[Column]:
        """Show both views; tell the cosine of what (2 b, k) says of them, and the largest with another picture."""
        normal = functional.normalize(predicted, dim=1)
        cosines = normal[:target] @ normal[target:].T
        same = torch.eye(target, dtype=torch.bool, device=cosines.device)
        pairs = zip(cosines.diagonal().tolist(), cosines.masked_fill(same, -1).amax(dim=1).tolist(), strict=True)
        told = [f"{own:.2f}\n(another: {other:.2f})" for own, other in pairs]
        first, second = inputs[:target], inputs[target:]
        return [Column("first view", first), Column("second view", second), Column("cosine", told)]


def projector(width: int, outputs: int) -> nn.Module:
    """Return a layer of batch-normalised features and a linear one, on which views are compared."""
    return nn.Sequential(
        nn.Linear(width, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Linear(width, outputs)
    )
