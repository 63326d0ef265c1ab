"""An encoder of small pictures, the classifier and the three autoencoders that are built on it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 32
HIDDEN = 128
"""Neurons between the features and the code, and between the code and the picture."""


class Encoder(nn.Module):
    """Pictures (b, 1, side, side) in [0, 1] to features (b, `width`)."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side, self.width = side, CHANNELS * (side // 2) ** 2
        self.layers = nn.Sequential(
            nn.Conv2d(1, CHANNELS, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the features."""
        features: Tensor = self.layers(pictures)
        return features


class Classifier(nn.Module):
    """An encoder and one layer on its features: pictures to logits (b, classes)."""

    def __init__(self, side: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.encoder = Encoder(side)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.encoder.width, classes))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self.head(self.encoder(pictures))
        return logits


class Autoencoder(nn.Module):
    """Pictures to a code of a few neurons and back.

    Hinton and Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks"
    (https://doi.org/10.1126/science.1127647).

    Parameters
    ----------
    side : int
        Height and width of the pictures, pixels.
    code : int
        Neurons of the code; `codes` keeps it.
    noise : float
        Share of the pixels that `Denoising` corrupts.
    """

    def __init__(self, side: int, code: int, noise: float) -> None:
        super().__init__()
        self.codes, self.noise = code, noise
        self.encoder = Encoder(side)
        self.to_code = nn.Sequential(nn.Linear(self.encoder.width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, code))
        self.decoder = nn.Sequential(
            nn.Linear(code, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, side * side)
        )

    def code(self, pictures: Tensor) -> Tensor:
        """Return the code, (b, code)."""
        code: Tensor = self.to_code(self.encoder(pictures))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Return pictures, (b, 1, side, side) in [0, 1]."""
        side = self.encoder.side
        return torch.sigmoid(self.decoder(code)).view(-1, 1, side, side)

    def corrupt(self, pictures: Tensor) -> Tensor:
        """Return what the encoder is shown: the pictures as they are."""
        return pictures

    def loss(self, pictures: Tensor) -> Tensor:
        """Return the cross entropy of a picture and its reconstruction: nats a picture, mean over the batch."""
        return _cross_entropy(self.decode(self.code(self.corrupt(pictures))), pictures)


class Denoising(Autoencoder):
    """Restores pictures of which some pixels were made black or white.

    Vincent et al. 2008, "Extracting and Composing Robust Features with Denoising Autoencoders"
    (https://doi.org/10.1145/1390156.1390294).
    """

    def corrupt(self, pictures: Tensor) -> Tensor:
        """Make a share `noise` of the pixels black or white, by chance."""
        speckles = (torch.rand_like(pictures) < 0.5).to(pictures.dtype)
        return torch.where(torch.rand_like(pictures) < self.noise, speckles, pictures)


class Variational(Autoencoder):
    """Draws codes from a normal distribution about what the encoder says, and keeps all of them near 0.

    Kingma and Welling 2014, "Auto-Encoding Variational Bayes" (https://arxiv.org/abs/1312.6114).
    """

    def __init__(self, side: int, code: int, noise: float) -> None:
        super().__init__(side, code, noise)
        self.to_log_variance = nn.Linear(self.encoder.width, code)

    def loss(self, pictures: Tensor) -> Tensor:
        """Return the negative evidence lower bound: nats a picture, mean over the batch."""
        features = self.encoder(pictures)
        mean, log_variance = self.to_code(features), self.to_log_variance(features)
        drawn = mean + torch.randn_like(mean) * torch.exp(log_variance / 2)
        return _cross_entropy(self.decode(drawn), pictures) + divergence(mean, log_variance)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of normal distributions from the standard one, nats, mean over rows.

    Parameters
    ----------
    mean, log_variance : (b, code)
    """
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()


def _cross_entropy(made: Tensor, pictures: Tensor) -> Tensor:
    return functional.binary_cross_entropy(made, pictures, reduction="sum") / len(pictures)


AUTOENCODERS = {"autoencoder": Autoencoder, "denoising": Denoising, "variational": Variational}
"""By the names that ``pretext`` may have."""
