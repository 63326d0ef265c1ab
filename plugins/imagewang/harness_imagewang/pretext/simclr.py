"""SimCLR: which two of many views are of the same picture (Chen et al. 2020, https://arxiv.org/abs/2002.05709)."""

from __future__ import annotations

from dataclasses import dataclass

from lightly.loss import NTXentLoss
from torch import Tensor, nn

from harness.params import param
from harness_imagewang.pretext.views import TwoViews, Views, projector


@dataclass(frozen=True)
class Options(Views):
    """Knobs of SimCLR."""

    temperature: float = param(0.2, "softness of the comparison: cosines are divided by it", low=0.01, high=10)
    width: int = param(128, "numbers that a view is compared by", low=2, high=4096)


class SimClr(TwoViews):
    """Views of one picture attract each other, those of others repel."""

    name = "simclr"
    summary = "which two of many views are of the same picture"
    Options = Options

    def head(self, width: int, classes: int) -> nn.Module:  # noqa: ARG002
        """Return two layers, the second of which is thrown away with the first."""
        return projector(width, self.options.width)

    def loss(self, predicted: Tensor, target: int) -> Tensor:
        """Return the normalised temperature-scaled cross-entropy."""
        found: Tensor = NTXentLoss(temperature=self.options.temperature)(predicted[:target], predicted[target:])
        return found
