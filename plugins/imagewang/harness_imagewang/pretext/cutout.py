"""In-painting: fill holes from what is around them (Pathak et al. 2016, https://arxiv.org/abs/1604.07379)."""

from __future__ import annotations

import torch
from torch import Tensor

from harness_imagewang.augment import Draw
from harness_imagewang.pretext.restore import Restore


class Cutout(Restore):
    """Patches are cut out, and the network fills them."""

    name = "cutout"
    summary = "fill holes from what is around them"

    def damaged(self, images: Tensor, draw: Draw) -> Tensor:  # noqa: ARG002
        """Return plain middle grey."""
        return torch.full_like(images, 0.5)
