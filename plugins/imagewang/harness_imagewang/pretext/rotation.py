"""Rotation: by how much was a picture turned (Gidaris et al. 2018, https://arxiv.org/abs/1803.07728)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from harness_imagewang.augment import Draw
from harness_imagewang.pretext.classify import Classify

TURNS = ("0°", "90°", "180°", "270°")


def turned(images: Tensor, codes: Tensor) -> Tensor:
    """Turn each picture by so many quarters, anticlockwise."""
    found = images
    for quarters in range(1, len(TURNS)):
        found = torch.where((codes == quarters).view(-1, 1, 1, 1), images.rot90(quarters, (2, 3)), found)
    return found


class Rotation(Classify):
    """A picture is turned by quarters, and the network tells by how many."""

    name = "rotation"
    summary = "by how much a picture was turned"

    def answers(self) -> Sequence[str]:
        """Return the turns."""
        return TURNS

    def prepare(self, images: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        """Return turned pictures and how many quarters each was turned."""
        codes = draw.integers(len(TURNS), (len(images),))
        return turned(draw.crop(images), codes), codes
