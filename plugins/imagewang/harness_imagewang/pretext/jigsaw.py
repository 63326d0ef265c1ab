"""Jigsaw: in which order are the tiles (Noroozi and Favaro 2016, https://arxiv.org/abs/1603.09246)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.params import param
from harness_imagewang.augment import Draw
from harness_imagewang.pretext.classify import Classify
from harness_imagewang.pretext.orders import orders


@dataclass(frozen=True)
class Options:
    """Knobs of the tiles."""

    across: int = param(2, "tiles across and down a picture", low=2, high=3)
    orders: int = param(24, "orders to tell apart, at most; of 2 x 2 tiles there are 24", low=2, high=200)


class Jigsaw(Classify):
    """The tiles of a picture are exchanged, and the network tells in which of some orders they are."""

    name = "jigsaw"
    summary = "in which order the tiles of a picture are"
    Options = Options

    def answers(self) -> Sequence[str]:
        """Return the orders, laid out as the tiles are."""
        across = self.options.across
        numbers = [[str(tile + 1) for tile in order] for order in self._orders()]
        return ["\n".join(" ".join(one[at : at + across]) for at in range(0, len(one), across)) for one in numbers]

    def _orders(self) -> tuple[tuple[int, ...], ...]:
        return orders(self.options.across**2, self.options.orders)

    def prepare(self, images: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        """Return pictures of exchanged tiles and the numbers of the orders; what no whole tile fits in is cut off."""
        across, whole = self.options.across, draw.crop(images)
        side = whole.shape[-1] // across
        tiles = whole.unfold(2, side, side).unfold(3, side, side).flatten(2, 3).transpose(1, 2)  # b, tile, 3, h, w
        codes = draw.integers(len(self._orders()), (len(whole),))
        moved = torch.tensor(self._orders(), device=images.device)[codes]
        tiles = tiles[torch.arange(len(whole), device=images.device)[:, None], moved]
        lines = [torch.cat(tiles[:, at : at + across].unbind(1), dim=3) for at in range(0, across**2, across)]
        return torch.cat(lines, dim=2), codes
