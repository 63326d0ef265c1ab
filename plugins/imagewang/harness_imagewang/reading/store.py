"""The cache: all images of a part as one file of pixels for each size."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import DataError
from harness.files import atomic_directory
from harness_imagewang.reading.decode import pixels_of, quiet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

READER = "imagewang 2"
"""Part of every cached file's name: other rules of decoding need another file."""
FILE = "pixels.npy"
GREY = 128
"""What stands for an image that cannot be decoded."""


class FileStore:
    """Image files, decoded once for each size.

    Parameters
    ----------
    paths : sequence of Path
    cache : Path or None
        Where the pixels are kept, memory-mapped; None keeps them in memory.
    content : str
        Digest of the files' content; empty: their names, sizes and times of change stand for it.
    blank : frozenset of int
        Positions that become plain grey: files that were found to be unreadable.
    digests : sequence of str
        Of each file; empty: its path stands for it.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        cache: Path | None,
        content: str = "",
        blank: frozenset[int] = frozenset(),
        digests: Sequence[str] = (),
    ) -> None:
        self.paths: Sequence[Path] = list(paths)
        self.cache, self.blank = cache, blank
        self.digests: Sequence[str] = list(digests) or [str(path) for path in paths]
        self.content = content or fingerprint(self.paths)
        self._kept: dict[int, Bytes] = {}

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.paths)

    def pixels(self, size: int) -> Bytes:
        """Return (n, size, size, 3) uint8, RGB.

        Raises
        ------
        DataError
            Naming the file that cannot be decoded.
        """
        if size not in self._kept:
            self._kept[size] = self._in_memory(size) if self.cache is None else self._mapped(size, self.cache)
        return self._kept[size]

    def _in_memory(self, size: int) -> Bytes:
        return self._decode(np.empty((len(self), size, size, 3), np.uint8), size)

    def _mapped(self, size: int, cache: Path) -> Bytes:
        from filelock import FileLock

        facts = f"{READER}\n{self.content}\n{len(self)}\n{size}\n{sorted(self.blank)}"
        folder = cache / "pixels" / f"{size}px-{hashlib.sha256(facts.encode()).hexdigest()[:24]}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                with atomic_directory(folder) as out:
                    pixels = np.lib.format.open_memmap(out / FILE, "w+", np.uint8, (len(self), size, size, 3))
                    self._decode(pixels, size)
                    pixels.flush()
        try:
            found: Bytes = np.load(folder / FILE, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, FileNotFoundError):
            raise DataError(f"{folder} is damaged; remove it, it is made again") from None
        return found

    def _decode(self, out: Bytes, size: int) -> Bytes:
        def decode(row: int) -> None:
            out[row] = GREY if row in self.blank else pixels_of(self.paths[row], size)

        with quiet(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for _ in pool.map(decode, range(len(self))):
                pass
        return out


def fingerprint(paths: Sequence[Path]) -> str:
    """Digest names, sizes and times of change of files."""
    total = hashlib.sha256()
    for path in paths:
        facts = path.stat()
        total.update(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
    return total.hexdigest()
