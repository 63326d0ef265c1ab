"""Features of an encoder as it is are computed once for tasks that ask for the same."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from harness_imagewang import features
from harness_imagewang.features import features_of
from harness_imagewang.images import Images
from harness_imagewang.network import Encoder

ROWS = np.arange(8)


@pytest.fixture(autouse=True)
def kept(monkeypatch) -> features._Kept:
    """Let each test begin with nothing kept."""
    found = features._Kept(10**6)
    monkeypatch.setattr(features, "_kept", found)
    return found


@pytest.fixture
def computed(monkeypatch) -> list[int]:
    """Return how many images each computation was of."""
    found: list[int] = []
    compute = features._computed

    def counted(encoder, images, *rest):
        found.append(len(images))
        return compute(encoder, images, *rest)

    monkeypatch.setattr(features, "_computed", counted)
    return found


def images(seed: int, rows=ROWS) -> Images:
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)
    return Images(SimpleNamespace(digests=[f"{seed}-{row}" for row in ROWS], pixels=lambda _: pixels), rows)


def encoder(seed: int = 0, activation: str = "relu") -> Encoder:
    torch.manual_seed(seed)
    return Encoder(activation=activation)


def test_the_same_encoder_read_again_finds_them_made(computed):
    first = features_of(encoder(), images(0), 32, "cpu", 1)
    again = features_of(encoder(), images(0), 32, "cpu", 1)
    assert again is first
    assert computed == [8]
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1
    assert np.array_equal(first, features._computed(encoder().eval(), images(0), 32, "cpu", 1))


@pytest.mark.parametrize(
    "other",
    [
        (encoder(1), images(0), 32, "cpu", 1),
        (encoder(0, "mish"), images(0), 32, "cpu", 1),
        (encoder(), images(1), 32, "cpu", 1),
        (encoder(), images(0, ROWS[::-1]), 32, "cpu", 1),
        (encoder(), images(0, ROWS[:5]), 32, "cpu", 1),
        (encoder(), images(0), 48, "cpu", 1),
        (encoder(), images(0), 32, "cpu", 2),
    ],
    ids=["weights", "activation", "images", "order", "rows", "size", "threads"],
)
def test_what_they_depend_on_makes_others(computed, other):
    features_of(encoder(), images(0), 32, "cpu", 1)
    found = features_of(*other)
    assert computed == [8, len(other[1])]
    assert np.array_equal(found, features._computed(other[0].eval(), *other[1:]))


def test_the_ones_asked_for_longest_ago_go_first(kept):
    one = np.zeros((10, 25_000), np.float32)  # 10**6 bytes
    kept.put(b"large", one)
    assert kept.get(b"large") is one
    kept.put(b"a", one[:4])
    assert kept.get(b"large") is None
    kept.put(b"b", one[:4])
    kept.get(b"a")
    kept.put(b"c", one[:4])
    assert [key for key in (b"a", b"b", b"c") if kept.get(key) is not None] == [b"a", b"c"]
    kept.put(b"too large", np.zeros(10**6, np.float64))
    assert kept.get(b"too large") is None
    assert kept.held == sum(array.nbytes for array in kept.found.values()) == 800_000
