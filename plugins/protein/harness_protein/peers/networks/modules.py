"""The networks: tokens of residues (b, t), padded at their ends, to logits (b, k)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness_protein.peers.networks.params import CnnParams, NetworkParams, TransformerParams
from harness_protein.residues import ALPHABET, UNKNOWN
from harness_protein.ulmfit.tokenizers import PAD, SPECIAL

TOKENS = SPECIAL + len(ALPHABET + UNKNOWN)
"""Different tokens of `harness_protein.ulmfit.tokenizers.Residues`."""
FEEDFORWARD = 4
"""Units of a layer's hidden part for each of its width, as in Vaswani et al. 2017."""
FARTHEST = 10_000.0
"""Wavelength of the slowest position code, as in Vaswani et al. 2017."""


def network(params: NetworkParams, classes: int) -> nn.Module:
    """Return the network that the parameters describe."""
    if isinstance(params, TransformerParams):
        return Transformer(params, classes)
    assert isinstance(params, CnnParams)
    return Cnn(params, classes)


class Cnn(nn.Module):
    """Residual blocks of dilated convolutions over one-hot residues, then the mean and the maximum over positions.

    After ProtCNN (Bileschi et al. 2022, "Using deep learning to annotate the protein universe", Nature Biotechnology
    40), with fewer positions and channels.
    """

    def __init__(self, params: CnnParams, classes: int) -> None:
        super().__init__()
        self.stem = Stem(params.channels, params.kernel, 1)
        self.stride = params.stride
        self.blocks = nn.ModuleList(
            Block(params.channels, params.kernel, params.dilation**place) for place in range(params.blocks)
        )
        self.head = Head(params.channels, classes, params.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits."""
        known = tokens != PAD
        values = self.stem(tokens)
        if self.stride > 1:
            values = values.masked_fill(~known[:, None], -math.inf)
            known = joined(known, self.stride)
            values = functional.max_pool1d(values, self.stride, ceil_mode=True).masked_fill(~known[:, None], 0)
        inside = known[:, None].to(values.dtype)
        for block in self.blocks:
            values = block(values, inside)
        logits: Tensor = self.head(values, known)
        return logits


class Block(nn.Module):
    """A dilated convolution to half the channels, and one back to all of them, added to the block's input."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        narrow = max(1, channels // 2)
        self.first, self.second = nn.BatchNorm1d(channels), nn.BatchNorm1d(narrow)
        self.wide = nn.Conv1d(channels, narrow, kernel, padding="same", dilation=dilation, bias=False)
        self.back = nn.Conv1d(narrow, channels, 1)

    def forward(self, values: Tensor, inside: Tensor) -> Tensor:
        """Return (b, c, t); `inside` (b, 1, t) is 0 where a sequence has ended."""
        within = self.wide(functional.relu(self.first(values)) * inside)
        answer: Tensor = values + self.back(functional.relu(self.second(within))) * inside
        return answer


class Transformer(nn.Module):
    """Pre-norm transformer encoder over overlapping stretches of residues, with sinusoidal positions.

    Layers as in Vaswani et al. 2017, "Attention is all you need"; normalization first, as in Xiong et al. 2020, "On
    layer normalization in the transformer architecture".
    """

    def __init__(self, params: TransformerParams, classes: int) -> None:
        super().__init__()
        self.stem, self.stride = Stem(params.width, params.kernel, params.stride), params.stride
        layer = nn.TransformerEncoderLayer(
            params.width,
            params.heads,
            FEEDFORWARD * params.width,
            params.layer_dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        last = nn.LayerNorm(params.width)
        self.layers = nn.TransformerEncoder(layer, params.layers, last, enable_nested_tensor=False)
        self.head = Head(params.width, classes, params.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits."""
        known = joined(tokens != PAD, self.stride)
        values = self.stem(tokens).transpose(1, 2)
        values = values + positions(values.shape[1], values.shape[2], values.device)
        values = self.layers(values, src_key_padding_mask=~known)
        logits: Tensor = self.head(values.transpose(1, 2), known)
        return logits


class Stem(nn.Module):
    """A convolution over one-hot residues: (b, t) tokens to (b, c, ceil(t / stride)); padding is read as zeros."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.before, self.after = (kernel - 1) // 2, kernel // 2 + stride - 1
        self.read = nn.Conv1d(TOKENS, channels, kernel, stride=stride)
        self.stride = stride

    def forward(self, tokens: Tensor) -> Tensor:
        """Return values."""
        shown = functional.one_hot(tokens, TOKENS) * (tokens != PAD)[:, :, None]
        padded = functional.pad(shown.transpose(1, 2).to(self.read.weight.dtype), (self.before, self.after))
        answer: Tensor = self.read(padded)[:, :, : -(-tokens.shape[1] // self.stride)]
        return answer


class Head(nn.Module):
    """The mean and the maximum over each sequence's own positions, dropout, and a linear layer."""

    def __init__(self, channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.normal = nn.LayerNorm(2 * channels)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * channels, classes)

    def forward(self, values: Tensor, known: Tensor) -> Tensor:
        """Return logits of (b, c, t) values, of which `known` (b, t) count."""
        outside = ~known[:, None]
        mean = values.masked_fill(outside, 0).sum(dim=2) / known.sum(dim=1, keepdim=True)
        highest = values.masked_fill(outside, -math.inf).amax(dim=2)
        pooled = self.normal(torch.cat([mean, highest], dim=1))
        logits: Tensor = self.linear(self.dropout(pooled))
        return logits


def joined(known: Tensor, stride: int) -> Tensor:
    """Return which of the joined positions, (b, ceil(t / stride)), hold one of the sequence."""
    return functional.max_pool1d(known.float(), stride, ceil_mode=True) > 0


def positions(count: int, width: int, device: torch.device) -> Tensor:
    """Return sinusoidal codes of positions, (count, width), as in Vaswani et al. 2017, section 3.5."""
    steps = torch.arange(0, width, 2, device=device) / width
    angles = torch.arange(count, device=device)[:, None] * FARTHEST**-steps
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :width]
