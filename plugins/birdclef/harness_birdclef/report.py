"""Figures and tables of a run: what its trainings left, and scores by species."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.competition import Competition
from harness.data import Dataset
from harness.neural.left import left_by_training
from harness.results import Artifact, RunResult
from harness.spreadsheets import defused

if TYPE_CHECKING:
    import pandas as pd

OWN = "birdclef."
LEFT = {
    "loss.png": "loss of the training, fold {fold}",
    "batch.png": "examples as the network was shown them, fold {fold}",
    "learning_rate.png": "learning-rate finder, fold {fold}",
    "history.csv": "losses by epoch, fold {fold}",
    "peaks.csv": "peaks that clips were taken around: recording, time (s), SNR",
}


def report(competition: Competition, dataset: Dataset, result: RunResult) -> Iterable[Artifact]:
    """Yield the figures of the first fold's training, every fold's history, and a table of the species."""
    if not competition.data.source.startswith(OWN):
        return
    yield from left_by_training(result, LEFT)
    if not result.run.strategy.startswith("baseline-"):
        yield Artifact(
            "species.csv", "every species: rows, ROC-AUC, average precision, F1", partial(_species, dataset, result)
        )


def _species(dataset: Dataset, result: RunResult, path: Path) -> None:
    defused(species_table(dataset, result)).to_csv(path, index=False)


def species_table(dataset: Dataset, result: RunResult) -> pd.DataFrame:
    """Return one row a class, most frequent first: recordings, OOF rows, ROC-AUC, average precision, F1."""
    import pandas as pd

    return pd.DataFrame(_rows(dataset, result)).sort_values("rows", ascending=False, kind="stable")


def _rows(dataset: Dataset, result: RunResult) -> Iterator[dict[str, Any]]:
    import numpy as np
    from sklearn.metrics import average_precision_score, roc_auc_score

    classes = dataset.info.classes
    targets = np.asarray(result.oof.targets)
    heard = np.eye(len(classes), dtype=int)[targets] if targets.ndim == 1 else targets
    every = dataset.train.targets
    assert every is not None
    clips = every if every.ndim == 2 else np.eye(len(classes), dtype=int)[every]
    if dataset.train.meta is not None:
        clips = clips[(dataset.train.meta["kind"] == "clip").to_numpy()]
    values, decided = result.oof.predictions.values, result.oof.decisions
    for code, name in enumerate(classes):
        truth, chance = heard[:, code] > 0, values[:, code]
        both = truth.any() and not truth.all()
        row = {
            "species": name,
            "recordings": int((clips[:, code] > 0).sum()),
            "rows": int(truth.sum()),
            "roc_auc": round(float(roc_auc_score(truth, chance)), 4) if both else float("nan"),
            "average_precision": round(float(average_precision_score(truth, chance)), 4)
            if truth.any()
            else float("nan"),
        }
        if decided is not None:
            hits = float((decided[:, code] * truth).sum())
            total = float(decided[:, code].sum() + truth.sum())
            row["f1"] = round(2 * hits / total, 4) if total else float("nan")
        yield row
