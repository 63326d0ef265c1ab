"""Corrupted pictures: which have patches of another, as "ELECTRA" asks of words.

Clark et al. 2020 (https://arxiv.org/abs/2003.10555).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from harness_imagewang.augment import Draw
from harness_imagewang.pretext.classify import Classify
from harness_imagewang.pretext.patches import Patches, patches


class Corrupted(Classify):
    """Half of the pictures get patches of their neighbour in the batch, and the network tells which."""

    name = "corrupted"
    summary = "which pictures have patches of another"
    Options = Patches

    def answers(self) -> Sequence[str]:
        """Return that a picture is whole, and that it is not."""
        return ("as it was", "tampered with")

    def prepare(self, images: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        """Return pictures, some of them tampered with, and which."""
        whole = draw.crop(images)
        chosen = draw.some(len(whole), 0.5)
        where = patches(len(whole), whole.shape[-1], self.options, draw)
        mixed = whole + where * (whole.roll(1, 0) - whole)
        return torch.where(chosen, mixed, whole), chosen.flatten().long()
