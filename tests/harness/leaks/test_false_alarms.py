"""Clean data of many shapes: nothing is called a leak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.data import Examples, TaskType
from harness.leaks.scan import scan

SHAPES = ("normal", "heavy", "counts", "flags", "levels", "lowrank", "clusters", "curve")
TASKS = (TaskType.BINARY, TaskType.MULTICLASS, TaskType.REGRESSION, TaskType.MULTILABEL)
SIZES = ((50, 20, 6), (400, 150, 10))


def table_of(shape: str, n: int, m: int, rng: np.random.Generator) -> pd.DataFrame:
    names = [f"x{at}" for at in range(m)]
    if shape == "levels":
        sizes = rng.integers(2, 200, m)
        levels = {
            name: pd.Categorical(rng.integers(0, size, n).astype(str)) for name, size in zip(names, sizes, strict=True)
        }
        return pd.DataFrame(levels)
    cluster, along = rng.integers(0, 4, n), rng.random((n, 1))
    values = {
        "normal": lambda: rng.normal(size=(n, m)),
        "heavy": lambda: rng.standard_cauchy((n, m)),
        "counts": lambda: rng.poisson(0.5, (n, m)),
        "flags": lambda: rng.random((n, m)) < rng.random(m) / 2,
        "lowrank": lambda: (rng.normal(size=(n, 3)) @ rng.normal(size=(3, m))).round(1),
        "clusters": lambda: rng.normal(size=(n, m)) * 10.0 ** (cluster[:, None] - 2) + 9 * cluster[:, None],
        "curve": lambda: np.sin(along * 6 * np.arange(1, m + 1)) + rng.normal(size=(n, m)) / 1000,
    }
    return pd.DataFrame(values[shape](), columns=names)


def targets_of(table: pd.DataFrame, task: TaskType, rng: np.random.Generator) -> tuple[np.ndarray, tuple[str, ...]]:
    first = table["x0"].cat.codes if isinstance(table["x0"].dtype, pd.CategoricalDtype) else table["x0"]
    wanted = (first.astype(float).rank(pct=True) + rng.normal(size=len(table)) / 2).to_numpy()
    if task is TaskType.BINARY:
        return (wanted > np.quantile(wanted, 0.7)).astype(np.int64), ("no", "yes")
    if task is TaskType.MULTICLASS:
        return np.digitize(wanted, np.quantile(wanted, [0.2, 0.5, 0.9])), tuple("abcd")
    if task is TaskType.MULTILABEL:
        return (rng.random((len(table), 5)) < 0.3).astype(np.int8), tuple("abcde")
    return wanted, ()


def scanned(shape: str, task: TaskType, size: tuple[int, int, int], seed: int, prepared):
    n, test, m = size
    rng = np.random.default_rng(seed)
    table = table_of(shape, n + test, m, rng)
    targets, classes = targets_of(table, task, rng)
    ids = np.array([f"id{number:06d}" for number in rng.permutation(3 * len(table))[: len(table)]], dtype=object)
    train = Examples(ids[:n], table[:n].reset_index(drop=True), targets[:n])
    return scan(prepared(train, Examples(ids[n:], table[n:].reset_index(drop=True)), task=task, classes=classes))


@pytest.mark.parametrize("shape", SHAPES)
def test_clean_data_has_no_leak(shape, prepared):
    for at, task in enumerate(TASKS):
        for size in SIZES:
            card = scanned(shape, task, size, at, prepared)
            assert card.leaks == (), (task, size)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_clean_data_has_no_leak_for_many_seeds(shape, prepared):
    found = [
        (task, size, seed, one.kind)
        for task in TASKS
        for size in (*SIZES, (50, 20, 300))
        for seed in range(10)
        for one in scanned(shape, task, size, 100 + seed, prepared).leaks
    ]
    assert found == []
