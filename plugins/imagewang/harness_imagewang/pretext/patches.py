"""Patches of pictures that something is done to, with soft edges."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from harness.params import param
from harness_imagewang.augment import Draw


@dataclass(frozen=True)
class Patches:
    """Knobs of the patches."""

    number: int = param(8, "patches of a picture", low=1, high=200)
    size: float = param(0.3, "their height and width, as a share of the picture's", low=0.01, high=1.0)
    softness: float = param(0.1, "width of their soft edge, as a share of their size; 0: hard", low=0.0, high=1.0)


def patches(count: int, size: int, options: Patches, draw: Draw) -> Tensor:
    """Return how much of each pixel is covered by patches, (count, 1, size, size) in [0, 1].

    Edges fall off linearly over `softness` of a patch's size.
    """
    along = (torch.arange(size, device=draw.device) + 0.5) / size
    middles = draw.uniform((count, options.number, 2))
    edge = max(options.softness * options.size, 1e-3)
    inside = ((options.size / 2 - (along - middles[..., None]).abs()) / edge + 0.5).clamp(0, 1)
    covered = torch.zeros((count, size, size), device=draw.device)
    # one patch after another: all at once is a tensor `number` times as large as the batch
    for patch in inside.unbind(1):
        covered = torch.maximum(covered, patch[:, 0, :, None] * patch[:, 1, None, :])
    return covered[:, None]
