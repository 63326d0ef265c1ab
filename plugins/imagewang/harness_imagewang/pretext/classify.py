"""What tasks share that ask which of a few things was done to a picture."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from harness_imagewang.pretext.protocol import Column, Pretext


class Classify(Pretext):
    """A picture goes in, and the number of an answer is to be predicted."""

    def answers(self) -> Sequence[str]:
        """Return the answers there are, in words for a picture of a batch."""
        raise NotImplementedError

    def head(self, width: int, classes: int) -> nn.Module:  # noqa: ARG002
        """Return one logit an answer."""
        return nn.Linear(width, len(self.answers()))

    def loss(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Return the cross-entropy."""
        return functional.cross_entropy(predicted, target)

    def shown(self, inputs: Tensor, target: Tensor, predicted: Tensor) -> list[Column]:
        """Show the picture, the answer, and the answer given."""
        words = self.answers()
        names = [[words[code] for code in codes.tolist()] for codes in (target, predicted.argmax(dim=1))]
        return [Column("input", inputs), Column("target", names[0]), Column("prediction", names[1])]
