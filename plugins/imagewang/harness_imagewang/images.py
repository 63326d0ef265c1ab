"""The inputs of a data set of images: rows that can be had at any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from harness.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.data import Examples

    Bytes = NDArray[np.uint8]
    Rows = NDArray[np.int64]


SKETCHED = 18
"""Pixels of the side of an image that is sketched: two for each of nine blocks."""


class Store(Protocol):
    """Images decoded once for each size.

    Attributes
    ----------
    paths : sequence of Path
    digests : sequence of str
        Of each file.
    """

    paths: Sequence[Path]
    digests: Sequence[str]

    def __len__(self) -> int:
        """Return the number of images."""

    def pixels(self, size: int) -> Bytes:
        """Return all images as (n, size, size, 3) uint8, RGB; memory-mapped where there is a folder for it."""


class Images:
    """Rows of a store.

    Parameters
    ----------
    store : Store
    rows : (n,) int64
        Positions in the store.
    """

    def __init__(self, store: Store, rows: Rows) -> None:
        self.store, self.rows = store, rows

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def take(self, rows: Rows) -> Images:
        """Return some of the rows."""
        return Images(self.store, self.rows[rows])

    def file_paths(self) -> list[Path]:
        """Return the file of each row; `harness check` looks at their sizes, times and names."""
        return [self.store.paths[row] for row in self.rows]

    def digests(self) -> list[str]:
        """Return the digest of each row's file."""
        return [self.store.digests[row] for row in self.rows]

    def sketches(self) -> NDArray[np.uint64]:
        """Return 64 bits of each image, which those of nearly equal images share.

        A bit says whether one of 8 x 9 blocks is brighter than the one left of it, the difference hash of N. Krawetz
        (https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html).

        Returns
        -------
        (n,) uint64
        """
        grey = self.store.pixels(SKETCHED)[self.rows].mean(axis=3)
        blocks = grey[:, 1:-1].reshape(len(grey), 8, 2, 9, 2).mean(axis=(2, 4))
        bits = (np.diff(blocks, axis=2) > 0).reshape(len(grey), 64).astype(np.uint64)
        packed: NDArray[np.uint64] = (bits << np.arange(64, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
        return packed

    def at(self, size: int) -> Pixels:
        """Return the rows at a size."""
        return Pixels(self.store.pixels(size), self.rows)


def images_of(examples: Examples, name: str) -> Images:
    """Return the images of some rows.

    Raises
    ------
    DataError
        If the rows are something else; `name` is the offer that says so.
    """
    if not isinstance(examples.inputs, Images):
        raise DataError(f"{name} takes images, as imagewang.folder reads them, not {type(examples.inputs).__name__}")
    return examples.inputs


class Pixels:
    """Rows of images of one size, read when they are asked for.

    Parameters
    ----------
    pixels : (N, size, size, 3) uint8
    rows : (n,) int64
    """

    def __init__(self, pixels: Bytes, rows: Rows) -> None:
        self.pixels, self.rows = pixels, rows

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    @property
    def size(self) -> int:
        """Height and width in pixels."""
        return int(self.pixels.shape[1])

    def __getitem__(self, rows: Rows) -> Bytes:
        """Return (b, size, size, 3) uint8, a copy."""
        return np.ascontiguousarray(self.pixels[self.rows[rows]])


def joined(parts: list[Pixels]) -> Joined:
    """Put rows of several sets one after the other."""
    return Joined(parts)


class Joined:
    """Several `Pixels` of one size as one."""

    def __init__(self, parts: list[Pixels]) -> None:
        self.parts = parts
        self.ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.ends[-1])

    @property
    def size(self) -> int:
        """Height and width in pixels."""
        return self.parts[0].size

    def __getitem__(self, rows: Rows) -> Bytes:
        """Return (b, size, size, 3) uint8, a copy."""
        out = np.empty((len(rows), self.size, self.size, 3), np.uint8)
        which = np.searchsorted(self.ends, rows, side="right")
        for number, part in enumerate(self.parts):
            here = np.flatnonzero(which == number)
            if len(here):
                out[here] = part[rows[here] - (self.ends[number] - len(part))]
        return out
