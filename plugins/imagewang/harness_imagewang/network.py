"""Encoders with random weights, and the small U-Net that pretext tasks of pixels put behind them."""

from __future__ import annotations

from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.errors import ConfigError, nearest
from harness_imagewang.params import Backbone

BACKBONES = get_args(Backbone)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue over ImageNet's photographs, as fastai has them."""


class Encoder(nn.Module):
    """The body of a fastai XResNet: images to maps of features.

    Parameters
    ----------
    backbone : str
        One of `BACKBONES`.
    activation : str
        ``relu`` or ``mish``.

    Attributes
    ----------
    width : int
        Channels of the last map.
    widths : tuple of int
        Channels of the maps that `maps` returns.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: str = "xresnet18", activation: str = "relu") -> None:
        super().__init__()
        body = _xresnet(backbone, activation)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.stem, self.pool = nn.Sequential(*body[:3]), body[3]
        self.blocks = nn.ModuleList(body[4:8])
        with torch.no_grad():
            self.eval()
            self.widths = tuple(int(found.shape[1]) for found in self.maps(torch.zeros(1, 3, 64, 64)))
            self.train()
        self.width = self.widths[-1]

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return maps of 1/2, 1/4, 1/8, 1/16 and 1/32 of the images' height and width."""
        images = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        found = [self.stem(images)]
        inputs = self.pool(found[0])
        for block in self.blocks:
            inputs = block(inputs)
            found.append(inputs)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean of the last map, (b, width)."""
        return self.maps(images)[-1].mean(dim=(2, 3)).float()


def _xresnet(backbone: str, activation: str) -> list[Any]:
    from harness.neural import learner  # noqa: F401  (filters what fastai's import warns of)

    if backbone not in BACKBONES:
        raise ConfigError(f"imagewang: backbone = {backbone!r}{nearest(backbone, BACKBONES)}")
    from fastai.layers import Mish
    from fastai.vision.models import xresnet

    act: Any = {"relu": nn.ReLU, "mish": Mish}.get(activation)
    if act is None:
        raise ConfigError(f"imagewang: activation = {activation!r}{nearest(activation, ('relu', 'mish'))}")
    return list(getattr(xresnet, backbone)(n_out=2, act_cls=act).children())


class Headed(nn.Module):
    """An encoder and a head on its pooled features."""

    def __init__(self, encoder: Encoder, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, images: Tensor) -> Tensor:
        """Return what the head makes of (b, width)."""
        answer: Tensor = self.head(self.encoder(images))
        return answer


class UNet(nn.Module):
    """An encoder and a decoder back to the images' size, with the encoder's maps on the way.

    Ronneberger et al. 2015, "U-Net" (https://arxiv.org/abs/1505.04597). The decoder is thin, since it is thrown away.

    Parameters
    ----------
    outputs : int
        Channels of the answer.
    """

    def __init__(self, encoder: Encoder, outputs: int = 3) -> None:
        super().__init__()
        self.encoder = encoder
        below, steps = encoder.width, []
        for width in reversed(encoder.widths[:-1]):
            after = max(16, width // 2)
            steps.append(_step(below + width, after))
            below = after
        self.steps = nn.ModuleList(steps)
        self.last = nn.Conv2d(below + 3, outputs, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return (b, outputs, h, w) in [0, 1]."""
        maps = self.encoder.maps(images)
        found = maps[-1]
        for step, skip in zip(self.steps, reversed(maps[:-1]), strict=True):
            found = step(torch.cat([_enlarged(found, skip), skip], dim=1))
        answer: Tensor = torch.sigmoid(self.last(torch.cat([_enlarged(found, images), images], dim=1)).float())
        return answer


def _step(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


def _enlarged(small: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(small, size=like.shape[-2:], mode="nearest")
