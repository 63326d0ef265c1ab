"""A frozen ESM-2 (Lin et al. 2023, "Evolutionary-scale prediction of atomic-level protein structure", Science 379).

Its weights are read from this machine; nothing is ever downloaded, and nothing unpickled. Sequences go through the
network one at a time, so that a vector does not depend, not even by rounding, on what else was asked for.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import ConfigError
from harness.neural.threads import threads_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

CONFIG, WEIGHTS, SHARDS = "config.json", "model.safetensors", "model.safetensors.index.json"
KEPT = 200_000
"""Vectors kept in memory, so that folds need not compute them again."""


def folder_of(weights: str) -> Path:
    """Return the folder of the weights: itself a folder, or a name in the local cache of Hugging Face.

    Raises
    ------
    ConfigError
        If ``transformers`` is not installed, or there are no such weights here.
    """
    if not weights:
        raise ConfigError(f"protein.esm: set weights to {WANTED}; nothing is downloaded")
    try:
        import transformers  # noqa: F401
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        raise ConfigError(
            "protein.esm needs the package transformers; install it with pip install 'competition-harness-protein[esm]'"
        ) from None
    folder = Path(weights).expanduser()
    if not folder.is_dir():
        found = _cached(weights, try_to_load_from_cache)
        if found is None:
            raise ConfigError(f"protein.esm: no ESM-2 weights at {weights!r}; set weights to {WANTED}")
        folder = found
    missing = [name for name in (CONFIG,) if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in (WEIGHTS, SHARDS)):
        missing.append(WEIGHTS)
    if missing:
        raise ConfigError(f"protein.esm: {folder} lacks {' and '.join(missing)}; set weights to {WANTED}")
    return folder


WANTED = "a folder with ESM-2's config.json, vocab.txt and model.safetensors, or a name in the local cache"


def _cached(name: str, look: Any) -> Path | None:
    from huggingface_hub.errors import HFValidationError

    try:
        found = look(name, CONFIG)
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def digest(folder: Path) -> str:
    """Return the SHA-256 of the weights, hex."""
    total = hashlib.sha256()
    for path in sorted([folder / CONFIG, *folder.glob("*.safetensors")]):
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


@lru_cache(maxsize=1)
def embedder(folder: Path, device: str, threads: int) -> Embedder:
    """Return an embedder; the last one stays loaded."""
    return Embedder(folder, device, threads)


class Embedder:
    """Turns sequences into vectors.

    Attributes
    ----------
    size : int
        Of a vector.
    """

    def __init__(self, folder: Path, device: str, threads: int) -> None:
        from transformers import AutoTokenizer, EsmModel

        self.device, self.threads = device, threads
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        options = {"local_files_only": True, "use_safetensors": True, "add_pooling_layer": False}
        self._network = EsmModel.from_pretrained(folder, **options).to(device).eval()
        self.size = int(self._network.config.hidden_size)
        self._known: dict[tuple[str, int], Vectors] = {}

    def __call__(self, sequences: Sequence[str], window: int) -> Vectors:
        """Return the mean of the last layer over each sequence's residues, (n, size) float32.

        Parameters
        ----------
        sequences : n cleaned sequences
        window : residues that the network reads at once; a longer sequence is read in overlapping windows
        """
        found = np.zeros((len(sequences), self.size), np.float32)
        with threads_of(self.threads):
            for row, sequence in enumerate(sequences):
                key = (sequence, window)
                if key not in self._known:
                    if len(self._known) >= KEPT:
                        self._known.clear()
                    self._known[key] = self._vector(sequence, window)
                found[row] = self._known[key]
        return found

    def _vector(self, sequence: str, window: int) -> Vectors:
        import torch

        parts = [sequence[start : start + window] for start in starts(len(sequence), window)]
        encoded = self._tokenizer(parts, return_tensors="pt").to(self.device)
        with torch.inference_mode():
            states = self._network(**encoded).last_hidden_state
        # without the marks of beginning and end
        vector: Vectors = states[:, 1:-1].float().mean(dim=(0, 1)).cpu().numpy()
        return vector


def starts(length: int, window: int) -> list[int]:
    """Return where windows begin: as few as cover the sequence, evenly spread.

    Examples
    --------
    >>> starts(10, 10), starts(25, 10)
    ([0], [0, 8, 15])
    """
    if length <= window:
        return [0]
    count = -(-length // window)
    return [round(place * (length - window) / (count - 1)) for place in range(count)]
