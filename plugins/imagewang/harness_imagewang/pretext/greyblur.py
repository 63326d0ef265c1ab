"""Grey-blur patches: restore patches made grey and blurred.

The pretext task with which fast.ai's Image网 was tried first; in-painting as of Pathak et al. 2016, "Context encoders"
(https://arxiv.org/abs/1604.07379), with patches that keep their shapes.
"""

from __future__ import annotations

from torch import Tensor

from harness_imagewang.augment import Draw, blurred, grey_of
from harness_imagewang.pretext.blur import Options
from harness_imagewang.pretext.restore import Restore


class GreyBlurPatches(Restore):
    """Patches are made grey and blurred, with soft edges, and the network restores the picture."""

    name = "greyblur"
    summary = "restore patches made grey and blurred"
    Options = Options

    def damaged(self, images: Tensor, draw: Draw) -> Tensor:  # noqa: ARG002
        """Return the whole pictures damaged."""
        return blurred(grey_of(images).expand_as(images), self.options.sigma)
