"""The figures that a training left, for the run's folder and MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.neural.left import left_by_training

if TYPE_CHECKING:
    from harness.competition import Competition
    from harness.data import Dataset
    from harness.results import Artifact, RunResult

OWN = "imagewang."
TITLES = {
    "pretext.png": "what the pretext task shows the network, and what it answers",
    "pretext.csv": "loss of the pretext task by epoch",
    "accuracy.png": "accuracy by epoch of the first fold",
    "history.csv": "loss and accuracy by epoch, fold {fold}",
}


def report(competition: Competition, dataset: Dataset, result: RunResult) -> Iterator[Artifact]:  # noqa: ARG001
    """Yield them; nothing for other plugins' data."""
    if competition.data.source.startswith(OWN):
        yield from left_by_training(result, TITLES)
