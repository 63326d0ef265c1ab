"""Augmentation of batches."""

from __future__ import annotations

import numpy as np
import torch
from harness_imagewang.augment import Draw, blurred, grey_of, to_images


def images(count: int = 4, size: int = 24) -> torch.Tensor:
    return torch.rand((count, 3, size, size), generator=torch.Generator().manual_seed(0))


def test_pixels_become_images_with_channels_last_in_memory() -> None:
    pixels = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    found = to_images(pixels)
    assert found.shape == (2, 3, 4, 4)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(found[1, 2, 3, 0] * 255, torch.tensor(float(pixels[1, 3, 0, 2])))


def test_a_crop_of_everything_is_the_image_or_its_mirror() -> None:
    given = images(16)
    found = Draw(0).crop(given, scale=(1.0, 1.0), ratio=(1.0, 1.0))
    same = [torch.allclose(one, other, atol=1e-4) for one, other in zip(found, given, strict=True)]
    mirrored = [torch.allclose(one, other.flip(2), atol=1e-4) for one, other in zip(found, given, strict=True)]
    assert all(one != other for one, other in zip(same, mirrored, strict=True))
    assert 0 < sum(same) < 16


def test_crops_have_the_size_asked_for_and_stay_within_the_image() -> None:
    flat = torch.full((3, 3, 24, 24), 0.5)
    assert torch.allclose(Draw(0, size=16).crop(flat), torch.full((3, 3, 16, 16), 0.5))
    assert Draw(0, size=16).crop(flat, size=32).shape == (3, 3, 32, 32)
    assert Draw(0).crop(flat).shape == flat.shape


def test_the_same_seed_draws_the_same() -> None:
    def one(seed: int) -> torch.Tensor:
        draw = Draw(seed)
        return draw.blur(draw.grey(draw.jitter(draw.crop(images()))))

    assert torch.equal(one(1), one(1))
    assert not torch.equal(one(1), one(2))


def test_jitter_changes_colours_within_bounds_and_some_images_only() -> None:
    given = images(64)
    found = Draw(0).jitter(given, chance=0.5)
    changed = (found != given).flatten(1).any(dim=1)
    assert 16 < int(changed.sum()) < 48
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert torch.allclose(Draw(0).jitter(given, 0, 0, 0, chance=1, hue=0), given, atol=1e-5)


def test_a_third_of_a_turn_of_hue_exchanges_the_channels() -> None:
    draw = Draw(0)
    draw.uniform = lambda shape, low=0.0, high=1.0: torch.full(shape, high)  # type: ignore[method-assign]
    turn = draw._turned(1, 1 / 3)[0]
    assert torch.allclose(turn @ torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]), atol=1e-6)


def test_grey_has_no_colour_and_the_brightness_of_before() -> None:
    given = images()
    found = Draw(0).grey(given, chance=1.0)
    assert torch.allclose(found[:, 0], found[:, 2])
    assert torch.allclose(grey_of(found), grey_of(given), atol=1e-5)


def test_a_blur_keeps_flat_images_and_smooths_others() -> None:
    assert torch.allclose(blurred(torch.full((1, 3, 9, 9), 0.3), 2.0), torch.full((1, 3, 9, 9), 0.3), atol=1e-6)
    given = images()
    assert float(blurred(given, 1.5).std()) < 0.5 * float(given.std())
