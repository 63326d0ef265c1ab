"""The raw predictions of a run, gathered from its folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.adjusting import Raw
from harness.errors import PluginError
from harness.planning import Plan
from harness.prepare import Prepared, oof_rows
from harness.results import FoldResult
from harness.scoring import evaluation_weights, oof_meta
from harness.stored_task import read_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def collect(plan: Plan, prepared: Prepared, folds: Sequence[FoldResult]) -> tuple[Raw, NDArray[np.object_]]:
    """Read the raw predictions of a run's folds.

    Returns
    -------
    raw : Raw
    ids : (n,) object array of str
        Of the OOF rows.
    """
    import numpy as np

    train = prepared.dataset.train
    assert train.targets is not None
    rows, numbers = oof_rows(prepared)
    order = np.argsort(np.concatenate([fold.valid for fold in prepared.folds]), kind="stable")
    stored = {name: [read_values(task.directory, name) for task in plan.tasks] for name in ("oof", "valid", "test")}
    if any(values is None for values in stored["oof"]):
        raise PluginError("a stored fold has no out-of-fold predictions")
    final = [plan.refit.directory] if plan.refit is not None else [task.directory for task in plan.tasks]
    info, classes = prepared.dataset.info, prepared.dataset.info.classes
    raw = Raw(
        oof=np.concatenate([values for values in stored["oof"] if values is not None])[order],
        folds=numbers,
        targets=train.targets[rows],
        weights=evaluation_weights(train.targets[rows], classes, prepared.target_prior),
        meta=oof_meta(prepared),
        valid=_mean(final, "valid"),
        test=_mean(final, "test"),
        test_of_fold={
            task.fold: values for task, values in zip(plan.tasks, stored["test"], strict=True) if values is not None
        },
        natural_shares=_shares([fold.counts_before for fold in folds], info.classes),
        trained_shares=_shares([fold.counts_after for fold in folds], info.classes),
    )
    return raw, train.ids[rows]


def _mean(directories: Sequence[Path], name: str) -> NDArray[np.float64] | None:
    import numpy as np

    values = [read_values(directory, name) for directory in directories]
    found = [value for value in values if value is not None]
    return np.mean(found, axis=0) if found else None


def _shares(counts: Sequence[Mapping[str, float]], classes: tuple[str, ...]) -> NDArray[np.float64] | None:
    import numpy as np

    if not classes or not all(counts):
        return None
    table = np.array([[count[name] for name in classes] for count in counts])
    shares: NDArray[np.float64] = (table / table.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares
