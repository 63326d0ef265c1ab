"""What tasks share that damage patches of a picture and want it back."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from harness_imagewang.augment import Draw
from harness_imagewang.pretext.patches import Patches, patches
from harness_imagewang.pretext.protocol import Column, Pretext

OUTSIDE = 0.1
"""Weight of the loss where nothing was damaged."""


class Restore(Pretext):
    """Damages soft-edged patches; the target is the picture, and what was damaged weighs most in the loss."""

    network = "unet"
    Options: ClassVar[type[Any]] = Patches

    def damaged(self, images: Tensor, draw: Draw) -> Tensor:
        """Return the whole pictures damaged, (b, 3, h, w)."""
        raise NotImplementedError

    def prepare(self, images: Tensor, draw: Draw) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return damaged pictures; and the pictures with where they were damaged, (b, 1, h, w) in [0, 1]."""
        whole = draw.crop(images)
        where = patches(len(whole), whole.shape[-1], self.options, draw)
        return whole + where * (self.damaged(whole, draw) - whole), (whole, where)

    def loss(self, predicted: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """Return the mean absolute error, weighted."""
        whole, where = target
        weights = OUTSIDE + where
        return ((predicted - whole).abs() * weights).mean() / weights.mean()

    def shown(self, inputs: Tensor, target: tuple[Tensor, Tensor], predicted: Tensor) -> list[Column]:
        """Show the damaged picture, the picture, and what the network makes of it."""
        return super().shown(inputs, target[0], predicted)
