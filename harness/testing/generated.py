"""Small made-up data sets, on which anything that takes tables can be tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.data import Column, Dataset, DatasetInfo, Examples, TaskType

CLASSES = {
    TaskType.BINARY: ("no", "yes"),
    TaskType.MULTICLASS: ("ash", "beech", "cedar"),
    TaskType.MULTILABEL: ("ash", "beech", "cedar"),
    TaskType.REGRESSION: (),
}
TRAIN, TEST = 150, 40
KINDS = ("city", "field", "wood")


def table(task: TaskType, categories: bool = True, seed: int = 0) -> Dataset:
    """Make a table of three numbers and one category from which the target can be learned.

    Parameters
    ----------
    categories : bool
        False leaves the category out.

    Returns
    -------
    Dataset
        150 training and 40 test rows; `meta` has ``group`` (text), ``time`` (days), ``fold`` (0 to 4), ``latitude`` and
        ``longitude`` (one place a group). The smallest class has more than ten training rows.
    """
    rng = np.random.default_rng(seed)
    n = TRAIN + TEST
    numbers = rng.normal(size=(n, 3))
    kinds = rng.integers(0, len(KINDS), n)
    frame = pd.DataFrame({f"x{position}": numbers[:, position] for position in range(3)})
    columns = [Column(f"x{position}") for position in range(3)]
    if categories:
        frame["kind"] = pd.Categorical(np.array(KINDS, dtype=object)[kinds], list(KINDS))
        columns.append(Column("kind", "category"))
    signal = numbers[:, 0] + 0.5 * kinds + 0.3 * rng.normal(size=n)
    rows = Examples(
        ids=np.array([f"row{row:03d}" for row in range(n)], dtype=object),
        inputs=frame,
        targets=_targets(task, signal, numbers),
        meta=_meta(n),
    )
    info = DatasetInfo("generated", task, CLASSES[task], tuple(columns), variant="sample", simulated=True)
    train, test = rows.take(np.arange(TRAIN)), rows.take(np.arange(TRAIN, n))
    return Dataset(info, train, None, replace(test, targets=None), digest=f"generated-{task}-{categories}-{seed}")


def _targets(task: TaskType, signal: NDArray[np.float64], numbers: NDArray[np.float64]) -> NDArray[Any]:
    if task is TaskType.REGRESSION:
        return signal
    if task is TaskType.MULTILABEL:
        return (numbers > np.array([0.0, 0.5, 1.0])).astype(np.int8)
    cuts = [0.75] if task is TaskType.BINARY else [0.55, 0.87]
    return np.searchsorted(np.quantile(signal, cuts), signal).astype(np.int64)


def _meta(n: int) -> pd.DataFrame:
    rows = np.arange(n)
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(rows, unit="D")
    groups = rows % 30
    return pd.DataFrame(
        {
            "group": [f"g{group}" for group in groups],
            "time": times,
            "fold": rows % 5,
            "latitude": groups % 6 * 0.5,
            "longitude": 30 + groups // 6 * 0.5,
        }
    )


def copied(examples: Examples) -> Examples:
    """Return examples that share no memory with the given ones."""
    import copy

    return copy.deepcopy(examples)


def same_examples(one: Examples, other: Examples) -> bool:
    """Whether two sets of examples are equal in every part."""
    names = ("ids", "inputs", "targets", "meta", "weights", "scored")
    return all(same(getattr(one, name), getattr(other, name)) for name in names)


def same(one: Any, other: Any) -> bool:
    """Whether two values of the same kind are equal, bit by bit where they are numbers; NaN equals NaN."""
    if one is None or other is None:
        return one is other
    if isinstance(one, pd.DataFrame):
        return isinstance(other, pd.DataFrame) and bool(one.equals(other))
    if isinstance(one, np.ndarray):
        if not isinstance(other, np.ndarray) or one.shape != other.shape or one.dtype != other.dtype:
            return False
        return bool((one == other).all()) if one.dtype == object else one.tobytes() == other.tobytes()
    if hasattr(one, "toarray"):
        return hasattr(other, "toarray") and same(one.toarray(), other.toarray())
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    comparable = getattr(type(one), "__eq__", None) is not getattr(object, "__eq__", None)
    # records that cannot be compared are not told apart
    return bool(one == other) if comparable else type(one) is type(other)
