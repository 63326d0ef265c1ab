"""Generated families of proteins: each has two motifs of its own in a random sequence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from harness_protein.residues import ALPHABET

from harness.data import Dataset, DatasetInfo, Examples, TaskType

CLASSES = ("alpha", "beta", "gamma")
MOTIFS = (("HRDLKPEN", "WCKGMY"), ("DFGVAKYC", "NQHWTF"), ("GPCRMLIV", "YEHKWD"))
SHARES = (0.5, 0.3, 0.2)


class Log:
    """Keeps what a model tells."""

    def __init__(self) -> None:
        self.epochs: list[tuple[int, dict[str, float]]] = []
        self.notes: list[str] = []

    def epoch(self, step: int, **metrics: float) -> None:
        self.epochs.append((step, metrics))

    def note(self, text: str) -> None:
        self.notes.append(text)


def families(rows: int = 200, seed: int = 0, shortest: int = 40, longest: int = 90) -> Dataset:
    """Return three families; the last fifth of the rows are the test set, whose targets are in its ``meta``."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(3, rows, p=SHARES)
    inputs = np.array([_sequence(code, int(rng.integers(shortest, longest)), rng) for code in targets], object)
    meta = pd.DataFrame(
        {
            "length": [len(sequence) for sequence in inputs],
            "organism": np.array(["mouse", "yeast", "human"])[rng.integers(0, 3, rows)],
            "truth": targets,
        }
    )
    examples = Examples(np.array([f"p{row}" for row in range(rows)], object), inputs, targets.astype(np.int64), meta)
    info = DatasetInfo("families", TaskType.MULTICLASS, CLASSES, extra={"corpora": [], "test": True})
    cut = rows * 4 // 5
    train, test = examples.take(np.arange(cut)), examples.take(np.arange(cut, rows))
    return Dataset(info, train, None, replace(test, targets=None), digest=f"families-{rows}-{seed}")


def _sequence(code: int, length: int, rng: np.random.Generator) -> str:
    letters = list(rng.choice(list(ALPHABET), length))
    for place, motif in zip((5, length // 2), MOTIFS[code], strict=True):
        at = place + int(rng.integers(0, 5))
        letters[at : at + len(motif)] = motif
    return "".join(letters)


def log_loss(values: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean negative logarithm of the true classes' probabilities."""
    return float(-np.log(values[np.arange(len(targets)), targets]).mean())


def prior_loss(dataset: Dataset) -> float:
    """Return the log loss of the class shares of the training rows, on the test rows."""
    assert dataset.test is not None
    assert dataset.test.meta is not None
    assert dataset.train.targets is not None
    shares = np.bincount(dataset.train.targets, minlength=3) / len(dataset.train)
    truth = dataset.test.meta["truth"].to_numpy()
    return log_loss(np.tile(shares, (len(truth), 1)), truth)


def odd_rows(dataset: Dataset) -> Examples:
    """Return rows to predict: one residue, an unknown one, a repeat, and a very long sequence."""
    rng = np.random.default_rng(5)
    texts = ["M", "X", "A" * 12, "".join(rng.choice(list(ALPHABET), 3000))]
    meta = pd.DataFrame({"length": [len(text) for text in texts], "organism": ["mouse", "", "dog", "yeast"]})
    return Examples(np.array([f"odd{row}" for row in range(len(texts))], object), np.array(texts, object), None, meta)
