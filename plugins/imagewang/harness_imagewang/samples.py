"""A made-up tree in the layout of Image网: shapes with many labels, striped animals with few, of these most without.

Shapes differ in outline. The animals differ in the direction and width of their stripes, and a little in colour; place,
size, light and background are drawn anew for each picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from harness.files import atomic_directory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Grid = NDArray[np.float64]
    Outline = Callable[[Grid, Grid], Grid]

VERSION = 1
SIZE = 48
TRAIN, FEW, VALID, UNSUP = 30, 8, 10, 30
"""Pictures of a class: shapes to train on; animals to train on, to validate on, without labels."""


def _box(width: float, height: float) -> Outline:
    return lambda x, y: np.maximum(np.abs(x) / width, np.abs(y) / height)


SHAPES: dict[str, Outline] = {
    "bar": _box(0.3, 1.0),
    "circle": np.hypot,
    "cross": lambda x, y: np.minimum(_box(0.3, 1.0)(x, y), _box(1.0, 0.3)(x, y)),
    "diamond": lambda x, y: np.abs(x) + np.abs(y),
    "ellipse": lambda x, y: np.hypot(x, 2 * y),
    "half": lambda x, y: np.where(y > 0, np.hypot(x, y), 9.0),
    "moon": lambda x, y: np.where(np.hypot(x - 0.5, y) > 0.8, np.hypot(x, y), 9.0),
    "ring": lambda x, y: np.abs(np.hypot(x, y) - 0.7) / 0.3,
    "square": _box(0.8, 0.8),
    "triangle": lambda x, y: np.maximum(2 * np.abs(x) + y, -1.2 * y),
}
"""Inside where the value is below 1; x to the right, y downwards, in half sizes of the shape."""
ANIMALS = {f"zebra-{turn:03d}-{name}": (turn, width) for turn in (0, 36, 72, 108, 144) for name, width in
           (("fine", 0.28), ("wide", 0.6))}  # fmt: skip
"""Direction (degrees) and width (in half sizes of the animal) of the stripes."""


def write_sample(cache: Path) -> Path:
    """Write the tree into the cache, once, and return it; the same pictures every time."""
    from filelock import FileLock

    home = cache / f"sample-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f".sample-{VERSION}.lock"):
        if not home.is_dir():
            with atomic_directory(home) as out:
                _write(out, np.random.default_rng(VERSION))
    return home


def _write(home: Path, rng: np.random.Generator) -> None:
    for name, outline in SHAPES.items():
        for number in range(TRAIN):
            _save(_picture(rng, outline), home / "train" / name / f"{name}_{number:03d}.png")
    loose = 0
    for code, (name, (turn, width)) in enumerate(ANIMALS.items()):
        for folder, count in (("train", FEW), ("val", VALID), ("unsup", UNSUP)):
            for number in range(count):
                picture = _picture(rng, lambda x, y: np.hypot(x, 1.5 * y), (turn, width, code))
                if folder == "unsup":
                    # numbered apart from the classes, so that a name tells nothing
                    path, loose = home / folder / f"{(loose * 7919) % 100_003:06d}.png", loose + 1
                else:
                    path = home / folder / name / f"{folder}{code}_{number:03d}.png"
                _save(picture, path)


def _picture(rng: np.random.Generator, outline: Outline, stripes: tuple[int, float, int] | None = None) -> Grid:
    """Return one picture, (SIZE, SIZE, 3) in [0, 255]."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / (SIZE / 2) - 1
    half = rng.uniform(0.45, 0.75)
    tilt = math.radians(rng.uniform(-15, 15))
    x, y = (x - rng.uniform(-0.25, 0.25)) / half, (y - rng.uniform(-0.25, 0.25)) / half
    x, y = x * math.cos(tilt) - y * math.sin(tilt), x * math.sin(tilt) + y * math.cos(tilt)
    inside = np.clip((1 - outline(x, y)) * 6, 0, 1)[..., None]
    colour = rng.uniform(60, 230, 3)
    if stripes is not None:
        turn, width, code = math.radians(stripes[0]), stripes[1], stripes[2]
        phase = (x * math.cos(turn) + y * math.sin(turn)) / width * math.pi + rng.uniform(0, 2 * math.pi)
        tint = 50 * np.array([math.cos(code), math.cos(code + 2), math.cos(code + 4)])
        colour = (rng.uniform(110, 170, 3) + tint) + 60 * np.sign(np.sin(phase))[..., None]
    corners = rng.uniform(40, 215, (4, 4, 3)).astype(np.uint8)
    behind = np.asarray(Image.fromarray(corners).resize((SIZE, SIZE), Image.Resampling.BICUBIC), np.float64)
    noise = rng.normal(0, 8, (SIZE, SIZE, 3))
    picture: Grid = np.clip(behind + inside * (colour - behind) + noise, 0, 255)
    return picture


def _save(picture: Grid, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.astype(np.uint8)).save(path)
