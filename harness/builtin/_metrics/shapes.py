"""What metrics share: which rows count, and the shapes scikit-learn wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from harness.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Targets = NDArray[Any]

Rows = Callable[["Targets", "Floats"], "Floats"]
SUM_TOLERANCE = 0.02
"""How far a row of single-label probabilities may sum from 1: what rounding to two decimals does."""


def mean(rows: Rows, targets: Targets, values: Floats, weights: Floats | None, _meta: pd.DataFrame | None) -> float:
    import numpy as np

    targets, values, weights = counted(targets, values, weights)
    return float(np.average(rows(targets, values), weights=weights)) if len(targets) else float("nan")


def counted(targets: Targets, values: Floats, weights: Floats | None) -> tuple[Targets, Floats, Floats | None]:
    # a class all of whose rows weigh nothing is absent, which scikit-learn would not see
    if weights is None or (weights > 0).all():
        return targets, values, weights
    rows = weights > 0
    return targets[rows], values[rows], weights[rows]


def point(values: Floats) -> Floats:
    # intervals add `lower` and `upper` behind `point`
    return values[:, 0]


def one_hot(targets: Targets, n_classes: int) -> NDArray[np.int8]:
    import numpy as np

    if targets.ndim == 2:
        return targets.astype(np.int8)
    hot = np.zeros((len(targets), n_classes), dtype=np.int8)
    hot[np.arange(len(targets)), targets] = 1
    return hot


def indicators(targets: Targets, values: Floats) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    import numpy as np

    truth, decided = one_hot(targets, values.shape[1]), values.astype(np.int8)
    if values.shape[1] == 1:  # scikit-learn takes a single column for labels 0 and 1; an empty second one is left out
        empty = np.zeros_like(truth)
        return np.hstack([truth, empty]), np.hstack([decided, empty])
    return truth, decided


def by_class(targets: Targets, values: Floats) -> Iterator[tuple[NDArray[np.bool_], Floats]]:
    columns = range(values.shape[1])
    if targets.ndim == 1 and values.shape[1] == 2:
        columns = range(1, 2)
    for column in columns:
        yield (targets[:, column] == 1) if targets.ndim == 2 else (targets == column), values[:, column]


def check_probabilities(targets: Targets, values: Floats) -> None:
    import numpy as np

    bad = ~((values >= -1e-9) & (values <= 1 + 1e-9)).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(f"row {row} of the predictions is {values[row].tolist()}: expected probabilities in [0, 1]")
    if targets.ndim == 2:
        return
    sums = values.sum(axis=1)
    bad = np.abs(sums - 1) > SUM_TOLERANCE
    if bad.any():
        row = int(bad.argmax())
        raise DataError(f"row {row} of the predicted probabilities sums to {sums[row]:.4g}, expected 1")
