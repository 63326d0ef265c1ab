"""SESEMI: labels where there are some, turns for all (Tran 2019, https://arxiv.org/abs/1906.10343)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.params import param
from harness_imagewang.augment import Draw
from harness_imagewang.pretext.classify import Classify
from harness_imagewang.pretext.protocol import Column
from harness_imagewang.pretext.rotation import TURNS, turned


@dataclass(frozen=True)
class Options:
    """Knobs of SESEMI."""

    weight: float = param(1.0, "weight of the turns' loss beside that of the labels", low=0.0, high=100)
    mirror: bool = param(False, "tell mirrored pictures and ones upside down too: six ways, as the paper has it")


class Sesemi(Classify):
    """One encoder learns in which way each picture was turned, and the labels of upright ones that have one."""

    name = "sesemi"
    summary = "the label where there is one, the turn of all"
    labels = True
    Options = Options

    def answers(self) -> tuple[str, ...]:
        """Return the ways of turning."""
        return (*TURNS, "mirrored", "upside down") if self.options.mirror else TURNS

    def prepare_labelled(self, images: Tensor, labels: Tensor, draw: Draw) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return upright pictures with a label, then all turned; the labels, and the ways."""
        whole, known = draw.crop(images, flip=not self.options.mirror), labels >= 0
        ways = draw.integers(len(self.answers()), (len(whole),))
        flipped = torch.where((ways >= len(TURNS)).view(-1, 1, 1, 1), whole.flip(3), whole)
        quarters = torch.where(ways < len(TURNS), ways, 2 * (ways - len(TURNS)))
        return torch.cat([whole[known], turned(flipped, quarters)]), (labels[known], ways)

    def head(self, width: int, classes: int) -> nn.Module:
        """Return logits of the ways, then of the classes."""
        return nn.Linear(width, len(self.answers()) + classes)

    def loss(self, predicted: Tensor, target: Any) -> Tensor:
        """Return the cross-entropy of the labels, plus that of the ways."""
        (labels, ways), count = target, len(self.answers())
        told = nn.functional.cross_entropy(predicted[: len(labels), count:], labels, reduction="sum")
        turns = nn.functional.cross_entropy(predicted[len(labels) :, :count], ways)
        return torch.add(told / max(1, len(labels)), turns, alpha=self.options.weight)

    def shown(self, inputs: Tensor, target: Any, predicted: Tensor) -> list[Column]:
        """Show turned pictures, their turn, and the turn told."""
        upright = len(target[0])
        return super().shown(inputs[upright:], target[1], predicted[upright:, : len(self.answers())])
