"""Grey patches: restore the colour of patches.

After Zhang et al. 2016, "Colorful image colorization" (https://arxiv.org/abs/1603.08511), for patches.
"""

from __future__ import annotations

from torch import Tensor

from harness_imagewang.augment import Draw, grey_of
from harness_imagewang.pretext.restore import Restore


class GreyPatches(Restore):
    """Patches lose their colour, and the network restores it from what is around them."""

    name = "grey"
    summary = "restore the colour of patches"

    def damaged(self, images: Tensor, draw: Draw) -> Tensor:  # noqa: ARG002
        """Return the whole pictures damaged."""
        return grey_of(images).expand_as(images)
