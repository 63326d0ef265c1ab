"""The losses and corruptions, against answers that are known."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from harness_digits.networks import AUTOENCODERS, Autoencoder, Denoising, Variational, divergence


def test_divergence_is_that_of_normal_distributions() -> None:
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    known = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(torch.zeros(5, 3), torch.ones(5, 3)))
    assert divergence(mean, log_variance).item() == pytest.approx(known.sum(dim=1).mean().item(), rel=1e-5)


def test_denoising_makes_a_share_of_the_pixels_black_or_white() -> None:
    torch.manual_seed(0)
    grey = torch.full((200, 1, 8, 8), 0.5)
    shown = Denoising(8, 4, noise=0.3).corrupt(grey)
    assert sorted(shown.unique().tolist()) == [0.0, 0.5, 1.0]
    assert (shown == 0.5).float().mean().item() == pytest.approx(0.7, abs=0.02)
    assert (shown == 1.0).float().mean().item() == pytest.approx(0.15, abs=0.02)


def test_a_plain_autoencoder_is_shown_the_picture_itself() -> None:
    pictures = torch.rand(3, 1, 8, 8)
    assert torch.equal(Autoencoder(8, 2, noise=0.9).corrupt(pictures), pictures)


def test_the_bound_is_never_below_the_divergence_alone() -> None:
    torch.manual_seed(0)
    network, pictures = Variational(8, 2, noise=0.0), torch.rand(4, 1, 8, 8)
    features = network.encoder(pictures)
    alone = divergence(network.to_code(features), network.to_log_variance(features))
    assert network.loss(pictures).item() > alone.item() >= 0


@pytest.mark.parametrize("kind", AUTOENCODERS)
@pytest.mark.parametrize("side", [5, 8, 28])
def test_what_is_decoded_has_the_size_of_the_pictures(kind: str, side: int) -> None:
    network = AUTOENCODERS[kind](side, 3, 0.1)
    pictures = torch.rand(2, 1, side, side)
    assert network.code(pictures).shape == (2, 3)
    made = network.decode(network.code(pictures))
    assert made.shape == pictures.shape
    assert ((made >= 0) & (made <= 1)).all()
