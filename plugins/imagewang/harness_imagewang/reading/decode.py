"""One file to a square of pixels, whatever the file is."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from harness.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

MOST = 100_000_000
"""Pixels of one image; more is taken for a decompression bomb."""
BEHIND = (128, 128, 128)
"""What shows through transparent pixels."""
ORIENTATION = 0x0112


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow from warning of odd heads; around a pool of threads, never inside one.

    Filters of warnings belong to the whole process: threads that change them restore each other's.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def facts_of(path: Path) -> tuple[int, int, str]:
    """Return height and width in pixels and the mode, from the file's head.

    Raises
    ------
    DataError
        If it is no image, or one of too many pixels.
    """
    with _opened(path) as image:
        width, height = image.size
        return height, width, image.mode


def pixels_of(path: Path, size: int) -> Bytes:
    """Return the middle square of an image whose shortest side is brought to `size`, (size, size, 3) uint8, RGB.

    Raises
    ------
    DataError
        If the file is no image, damaged, cut short, or of too many pixels.
    """
    with _opened(path) as image:
        try:
            if image.format == "JPEG":
                image.draft("RGB", (size, size))
            upright = ImageOps.exif_transpose(image) if image.getexif().get(ORIENTATION, 1) != 1 else image
            return _square(_rgb(upright), size)
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
            raise DataError(f"{path} cannot be decoded: {_reason(error)}") from None


def _opened(path: Path) -> Image.Image:
    try:
        image = Image.open(path)
    except UnidentifiedImageError:
        what = "empty" if path.stat().st_size == 0 else "not an image that can be read"
        raise DataError(f"{path} is {what}") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path} cannot be opened: {_reason(error)}") from None
    if image.size[0] * image.size[1] > MOST:
        size = image.size
        image.close()
        raise DataError(f"{path} has {size[0]:,} by {size[1]:,} pixels, more than is believed ({MOST:,})")
    return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I") or image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float64))
        high = 65535.0 if image.mode.startswith("I;16") or values.max() > 255 else 255.0
        return Image.fromarray((values / high * 255).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        whole = image.convert("RGBA")
        behind = Image.new("RGBA", whole.size, (*BEHIND, 255))
        return Image.alpha_composite(behind, whole).convert("RGB")
    return image.convert("RGB")


def _square(image: Image.Image, size: int) -> Bytes:
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    if (width, height) == (size, size):
        return np.array(image)
    box = (left, top, left + side, top + side)
    return np.array(image.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0))


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(" .")
