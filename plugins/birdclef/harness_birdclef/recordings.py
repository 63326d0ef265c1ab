"""Rows of audio: whole recordings and windows of soundscapes, read when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness_birdclef.sound.decoded import Decoded, Facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]
    Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Files:
    """Audio files that rows point into.

    Attributes
    ----------
    root : Path
    paths : tuple of str
        Relative to `root`; "" for a file that is not there.
    facts : tuple of Facts
        In the same order; a file that cannot be used has no length, and reads as silence.
    store : Decoded
    """

    root: Path
    paths: tuple[str, ...]
    facts: tuple[Facts, ...]
    store: Decoded


@dataclass(frozen=True, eq=False)
class Recordings:
    """Inputs of a data set of recordings.

    Attributes
    ----------
    files : Files
    which : (n,) int64
        The file of each row.
    start, end : (n,) float64
        The row's part of it (s); the whole recording from 0 to its length. A window may lie beyond the end.
    """

    files: Files
    which: Rows
    start: NDArray[np.float64]
    end: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.which)

    @property
    def rate(self) -> int:
        """Samples per second (Hz)."""
        return self.files.store.rate

    def take(self, rows: Rows) -> Recordings:
        """Return the rows at the given positions, in that order."""
        return replace(self, which=self.which[rows], start=self.start[rows], end=self.end[rows])

    def seconds(self, row: int) -> float:
        """Return the length of a row (s)."""
        return float(self.end[row] - self.start[row])

    def file_seconds(self, row: int) -> float:
        """Return the length of the row's recording (s)."""
        return self.files.facts[int(self.which[row])].seconds

    def digest(self, row: int) -> str:
        """Return the digest of the row's file."""
        return self.files.facts[int(self.which[row])].digest

    def file_paths(self) -> list[Path]:
        """Return the file of each row; `harness check` looks at their sizes, times and names."""
        return [self.files.root / self.files.paths[file] for file in self.which]

    def digests(self) -> list[str]:
        """Return what is equal where two rows have the same sound: the file's digest and the part of it."""
        parts = zip(self.which, self.start, self.end, strict=True)
        found = [(self.files.facts[file].digest, start, end) for file, start, end in parts]
        return [f"{digest} {start} {end}" if digest else f"row {row}" for row, (digest, start, end) in enumerate(found)]

    def read(self, row: int, begin: float, seconds: float) -> Samples:
        """Read a part of a row's recording, which may leave the row, and the recording: zeros stand there.

        Parameters
        ----------
        begin : float
            From the beginning of the row (s); may be negative.
        seconds : float

        Returns
        -------
        (seconds x rate,) float32
        """
        file = int(self.which[row])
        store = self.files.store
        first = round((float(self.start[row]) + begin) * store.rate)
        path = self.files.root / self.files.paths[file]
        return store.read(self.files.facts[file], path, first, round(seconds * store.rate))
