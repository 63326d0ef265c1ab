"""Scores by identity to the nearest training sequence: what a run knows of sequences unlike any it saw."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from harness.competition import Competition
    from harness.data import Dataset
    from harness.results import Artifact, RunResult, Scored

    Floats = NDArray[np.float64]

OWN = "protein."
LEFT = {
    "curves.png": "language model and classifier by epoch, fold {fold}",
    "learning_rate-forward.png": "learning-rate finder, fold {fold}",
    "learning_rate-backward.png": "learning-rate finder of the backward model, fold {fold}",
    "loss-0.png": "loss of the training, fold {fold}",
}
TINY = 1e-15
"""Probabilities are cut here before their logarithm, as scikit-learn's log loss does in double precision."""


def report(competition: Competition, dataset: Dataset, result: RunResult) -> Iterable[Artifact]:
    """Yield what trainings left, and the scores by band of identity as a table and a figure.

    Nothing where sequences have no single class.
    """
    from harness.neural.left import left_by_training
    from harness.results import Artifact

    if not competition.data.source.startswith(OWN) or not dataset.info.task_type.single_label:
        return
    yield from left_by_training(result, LEFT)
    if not (result.oof.folds >= 0).any():  # an import does not say what trained what
        return
    table = band_table(dataset, result.oof)

    def draw(path: Path) -> None:
        from harness_protein.report.bands_figure import draw

        draw(table, f"{result.run.label} · out-of-fold, {int(table['rows'].sum()):,} sequences", path)

    title = "Scores by identity to the nearest training sequence"
    yield Artifact("identity_bands.csv", title, partial(_write, table))
    yield Artifact("identity_bands.png", title, draw)


def band_table(dataset: Dataset, oof: Scored) -> pd.DataFrame:
    """Score the out-of-fold rows of each band of identity.

    Returns
    -------
    DataFrame
        One row a band, from distant to near: band, rows, accuracy, accuracy_se, log_loss, log_loss_se. Standard errors
        are over rows (NaN for one row); log loss is the natural logarithm's.
    """
    import numpy as np
    import pandas as pd

    from harness_protein.homology.identity import band_names, band_of

    where, folds = _rows_of(dataset, oof)
    bands = band_of(identities(dataset, folds)[where])
    right, loss = per_row(oof)
    found = []
    for code, name in enumerate(band_names()):
        rows = bands == code
        found.append(
            {
                "band": name,
                "rows": int(rows.sum()),
                "accuracy": _mean(right[rows]),
                "accuracy_se": stderr(right[rows]),
                "log_loss": _mean(loss[rows]),
                "log_loss_se": stderr(loss[rows]),
            }
        )
    return pd.DataFrame(found).astype({"rows": np.int64})


def identities(dataset: Dataset, folds: NDArray[np.int64]) -> Floats:
    """Estimate each training row's identity to the nearest row of another fold; folds (n,), -1 for none."""
    from harness_protein.homology.identity import nearest_identities
    from harness_protein.homology.kmers import residues

    return nearest_identities(residues(dataset.train.inputs), folds)


def _rows_of(dataset: Dataset, oof: Scored) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where OOF rows stand among the training rows, and each training row's fold (-1: none)."""
    import numpy as np
    import pandas as pd

    where = pd.Index(dataset.train.ids).get_indexer(pd.Index(oof.predictions.ids)).astype(np.int64)
    folds = np.full(len(dataset.train), -1, dtype=np.int64)
    folds[where] = oof.folds
    return where, folds


def per_row(scored: Scored) -> tuple[Floats, Floats]:
    """Return whether each row's likeliest class is right, and its log loss (natural), as (n,) and (n,) float64."""
    import numpy as np

    values = scored.predictions.values
    right = (values.argmax(axis=1) == scored.targets).astype(np.float64)
    loss: Floats = -np.log(np.maximum(values[np.arange(len(values)), scored.targets], TINY))
    return right, loss


def stderr(values: Any) -> float:
    """Return the standard error of a mean; NaN for fewer than two values."""
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")


def _mean(values: Any) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _write(table: pd.DataFrame, path: Path) -> None:
    table.round(6).to_csv(path, index=False)
