"""Blurred patches: sharpen blurred patches.

After denoising autoencoders: Vincent et al. 2010 (https://jmlr.org/papers/v11/vincent10a.html).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from harness.params import param
from harness_imagewang.augment import Draw, blurred
from harness_imagewang.pretext.patches import Patches
from harness_imagewang.pretext.restore import Restore


@dataclass(frozen=True)
class Options(Patches):
    """Knobs of the patches and of the blur."""

    sigma: float = param(3.0, "width of the blur, pixels", low=0.1, high=50)


class BlurredPatches(Restore):
    """Patches are blurred, and the network sharpens them."""

    name = "blur"
    summary = "sharpen blurred patches"
    Options = Options

    def damaged(self, images: Tensor, draw: Draw) -> Tensor:  # noqa: ARG002
        """Return the whole pictures damaged."""
        return blurred(images, self.options.sigma)
