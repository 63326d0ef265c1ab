"""Augmentation of whole batches, on the device that the images are on.

Images are (b, 3, h, w) float32 in [0, 1]. Every image of a batch draws its own numbers, from one seeded generator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness: ITU-R BT.601."""


def to_images(pixels: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """Turn (b, h, w, 3) uint8 into (b, 3, h, w) float32 in [0, 1]; channels stay last in memory."""
    moved = torch.from_numpy(pixels).to(device, non_blocking=True).permute(0, 3, 1, 2)
    return moved.to(torch.float32, memory_format=torch.channels_last).div_(255)


def grey_of(images: Tensor) -> Tensor:
    """Return the brightness of each pixel, (b, 1, h, w)."""
    weights = torch.tensor(LUMA, device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
    return (images * weights).sum(dim=1, keepdim=True)


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Blur with a Gaussian of `sigma` pixels; borders are repeated."""
    reach = max(1, math.ceil(2.5 * sigma))
    along = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-0.5 * (along / sigma) ** 2)
    weights = (weights / weights.sum()).expand(images.shape[1], 1, -1)
    padded = functional.pad(images, (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, weights[:, :, None, :], groups=images.shape[1])
    return functional.conv2d(rows, weights[:, :, :, None], groups=images.shape[1])


class Draw:
    """Random numbers of a training, and what is done to batches with them.

    Parameters
    ----------
    seed : int
    device : torch.device or str
        Where the images are; the numbers themselves are drawn on the CPU, so that they do not depend on it.
    size : int, optional
        Height and width that `crop` brings images to, in pixels; None for the images' own.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu", size: int | None = None) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.device, self.size = device, size

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Tensor:
        """Draw float32 numbers in [low, high)."""
        drawn = torch.rand(shape, generator=self.generator) * (high - low) + low
        return drawn.to(self.device)

    def integers(self, high: int, shape: tuple[int, ...]) -> Tensor:
        """Draw int64 numbers from 0 to high - 1."""
        return torch.randint(high, shape, generator=self.generator).to(self.device)

    def permutation(self, count: int) -> Tensor:
        """Draw an order of `count` things, int64."""
        return torch.randperm(count, generator=self.generator).to(self.device)

    def some(self, count: int, chance: float) -> Tensor:
        """Draw which of `count` images something happens to, as (count, 1, 1, 1) bool."""
        return self.uniform((count, 1, 1, 1)) < chance

    def crop(
        self,
        images: Tensor,
        scale: tuple[float, float] = (0.35, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        flip: bool = True,
        size: int | None = None,
    ) -> Tensor:
        """Cut a random part of each image and bring it to one size, mirrored half of the times.

        Parameters
        ----------
        scale : (float, float)
            Share of the area that is kept.
        ratio : (float, float)
            Width by height of what is cut.
        size : int, optional
            Height and width of the result, in pixels; None for the one of this object, or the images' own.

        Returns
        -------
        (b, 3, size, size) float32
        """
        count = len(images)
        size = size or self.size or images.shape[-1]
        area = self.uniform((count,), *scale)
        shape = torch.exp(self.uniform((count,), math.log(ratio[0]), math.log(ratio[1])))
        width, height = (area * shape).sqrt().clamp(max=1), (area / shape).sqrt().clamp(max=1)
        mirror = torch.where(self.uniform((count,)) < 0.5, -1.0, 1.0) if flip else torch.ones_like(width)
        theta = torch.zeros(count, 2, 3, device=images.device)
        theta[:, 0, 0], theta[:, 1, 1] = width * mirror, height
        theta[:, 0, 2] = (1 - width) * self.uniform((count,), -1, 1)
        theta[:, 1, 2] = (1 - height) * self.uniform((count,), -1, 1)
        grid = functional.affine_grid(theta, [count, images.shape[1], size, size], align_corners=False)
        return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    def jitter(
        self,
        images: Tensor,
        brightness: float = 0.4,
        contrast: float = 0.4,
        saturation: float = 0.4,
        chance: float = 0.8,
        hue: float = 0.1,
    ) -> Tensor:
        """Change brightness, contrast, saturation and hue of some images, each by up to the share given.

        Hue turns colours around the grey axis, by up to `hue` of a whole turn.
        """
        count = len(images)

        def factor(strength: float) -> Tensor:
            return self.uniform((count, 1, 1, 1), 1 - strength, 1 + strength)

        grey = grey_of(images)
        mean = grey.mean(dim=(2, 3), keepdim=True)
        bright, contrasted, saturated = factor(brightness), factor(contrast), factor(saturation)
        # all four are affine in the pixel: one matrix of colours and one offset an image
        turn = self._turned(count, hue)
        luma = torch.tensor(LUMA, device=images.device).view(1, 1, 3)
        keep = torch.eye(3, device=images.device)[None]
        matrix = saturated.view(-1, 1, 1) * keep + (1 - saturated.view(-1, 1, 1)) * luma
        matrix = (turn @ matrix) * (bright * contrasted).view(-1, 1, 1)
        offset = bright * (1 - contrasted) * mean
        changed = torch.einsum("bij,bjhw->bihw", matrix, images).add_(offset).clamp_(0, 1)
        return torch.where(self.some(count, chance), changed, images)

    def _turned(self, count: int, hue: float) -> Tensor:
        """Return rotations around the grey axis, (count, 3, 3): Rodrigues' formula."""
        angle = self.uniform((count, 1, 1), -hue, hue) * 2 * math.pi
        third = math.sqrt(1 / 3)
        cross = torch.tensor([[0, -third, third], [third, 0, -third], [-third, third, 0]], device=angle.device)[None]
        outer = torch.full((1, 3, 3), 1 / 3, device=angle.device)
        return (
            torch.cos(angle) * torch.eye(3, device=angle.device)
            + torch.sin(angle) * cross
            + (1 - torch.cos(angle)) * outer
        )

    def grey(self, images: Tensor, chance: float = 0.2) -> Tensor:
        """Take the colour from some images."""
        return torch.where(self.some(len(images), chance), grey_of(images), images)

    def blur(self, images: Tensor, low: float = 0.1, high: float = 2.0, chance: float = 0.5) -> Tensor:
        """Blur some images, all of a batch with one width of `low` to `high` pixels."""
        sigma = float(self.uniform((1,), low, high))
        return torch.where(self.some(len(images), chance), blurred(images, sigma), images)
