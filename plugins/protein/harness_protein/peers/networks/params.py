"""Parameters of the networks: what they read, how they learn, how large they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.params import param


@dataclass(frozen=True)
class NetworkParams:
    """What both networks share."""

    max_residues: int = param(1024, "longest sequence read whole; of longer ones head and tail", low=16, high=65_536)
    mutation: float = param(0.1, "share of residues that training replaces by any other", low=0.0, high=0.9)
    crop: float = param(
        0.1, "share of a sequence, at most, that training cuts off each of its ends", low=0.0, high=0.45
    )
    epochs: int = param(30, "of training", low=1, high=1000)
    rate: float = param(1e-2, "highest learning rate of the one-cycle schedule", low=1e-6, high=1.0, log=True)
    weight_decay: float = param(0.05, "of AdamW", low=0.0, high=10.0)
    batch: int = param(16, "sequences of average length in a batch; every batch has about as many residues", low=2)
    dropout: float = param(0.3, "of the head", low=0.0, high=0.9)
    smoothing: float = param(0.05, "label smoothing", low=0.0, high=0.5)
    class_weights: bool = param(False, "weight classes by the inverse of their share; changes the probabilities")
    members: int = param(1, "networks trained from different seeds, whose probabilities are averaged", low=1, high=50)
    holdout: bool = param(False, "hold out a part of the training rows, and keep the epoch that is best on it")
    precision: Literal["auto", "float32", "bfloat16"] = param(
        "auto", "auto: bfloat16 where the processor computes in it"
    )


@dataclass(frozen=True)
class CnnParams(NetworkParams):
    """Parameters of ``protein.cnn``."""

    channels: int = param(32, "channels between blocks", low=4, high=4096)
    blocks: int = param(1, "residual blocks", low=1, high=32)
    kernel: int = param(15, "residues a convolution reads", low=1, high=63)
    dilation: int = param(2, "factor by which each block's convolution reaches further than the last", low=1, high=8)
    stride: int = param(4, "positions behind the first convolution that are joined into one", low=1, high=16)


@dataclass(frozen=True)
class TransformerParams(NetworkParams):
    """Parameters of ``protein.transformer``."""

    rate: float = param(3e-3, "highest learning rate of the one-cycle schedule", low=1e-6, high=1.0, log=True)
    width: int = param(64, "size of a position's vector; a multiple of twice `heads`", low=8, high=4096)
    layers: int = param(2, "layers of attention", low=1, high=48)
    heads: int = param(4, "heads of attention", low=1, high=64)
    kernel: int = param(9, "residues that a position reads", low=1, high=63)
    stride: int = param(3, "residues from one position to the next", low=1, high=16)
    layer_dropout: float = param(0.1, "within the layers", low=0.0, high=0.9)
