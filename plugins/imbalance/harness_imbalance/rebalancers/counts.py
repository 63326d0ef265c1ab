"""How many rows of which class a fold's training rows hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.data import DatasetInfo, Examples
from harness.errors import ConfigError, DataError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]


def codes(examples: Examples, info: DatasetInfo) -> Codes:
    """Return the targets as (n,) int64 codes.

    Raises
    ------
    ConfigError
        If the task has no single class per row.
    DataError
        If there is no row.
    """
    import numpy as np

    if not info.task_type.single_label or examples.targets is None:
        raise ConfigError(
            f"rebalancing needs one class per row, the task is {info.task_type.value}; leave the rebalancer out"
        )
    if len(examples) == 0:
        raise DataError("rebalancing needs training rows, this fold has none; use fewer folds")
    return np.asarray(examples.targets, dtype=np.int64)


def class_counts(targets: Codes) -> dict[int, int]:
    """Return rows by class, of the classes present, in class order.

    Examples
    --------
    >>> import numpy as np
    >>> class_counts(np.array([2, 0, 2]))
    {0: 1, 2: 2}
    """
    import numpy as np

    found, counts = np.unique(targets, return_counts=True)
    return {int(code): int(count) for code, count in zip(found, counts, strict=True)}


def majority(counts: dict[int, int]) -> int:
    """Return the class with most rows, the first of equals.

    Examples
    --------
    >>> majority({0: 3, 1: 9, 2: 9})
    1
    """
    return max(counts, key=lambda code: (counts[code], -code))


def named(classes: Sequence[str], info: DatasetInfo, counts: dict[int, int]) -> list[int]:
    """Return the codes of classes named by a parameter; none named means the majority.

    Raises
    ------
    ConfigError
        If the data set has no such class.
    """
    if not classes:
        return [majority(counts)]
    for name in classes:
        if name not in info.classes:
            raise ConfigError(f"classes = {name!r}: the data set has no such class{nearest(name, info.classes)}")
    wanted = [info.classes.index(name) for name in classes]
    return [code for code in wanted if code in counts]


def grown(counts: dict[int, int], factor: float) -> dict[int, int]:
    """Return the classes that grow and the rows they grow to: `factor` times as many, at most as the majority.

    Examples
    --------
    >>> grown({0: 100, 1: 10, 2: 60}, 5.0)
    {1: 50, 2: 100}
    """
    most = max(counts.values())
    wanted = {code: min(round(count * factor), most) for code, count in counts.items()}
    return {code: rows for code, rows in wanted.items() if rows > counts[code]}
