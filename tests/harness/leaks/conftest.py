"""Data sets with a leak, and their clean twins: the same rows without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.builtin.splits import harness_splitters
from harness.competition import Competition, DataSpec, Leaks, Use
from harness.data import Dataset, DatasetInfo, Examples, TaskType
from harness.params import parse_params
from harness.prepare import Prepared, Setting

SPLITTERS = {one.name: one for one in harness_splitters()}


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[..., Prepared]:
    """Return ``prepared(train, test, ...)``: a data set as `harness.prepare` would hand it over."""

    def make(
        train: Examples,
        test: Examples | None = None,
        valid: Examples | None = None,
        task: TaskType = TaskType.BINARY,
        classes: tuple[str, ...] = ("no", "yes"),
        roles: dict[str, str] | None = None,
        split: str = "",
        accepted: dict[str, str] | None = None,
        **use: Any,
    ) -> Prepared:
        info = DatasetInfo("made", task, () if task is TaskType.REGRESSION else classes, roles=roles or {})
        name = split or ("stratified" if task.single_label else "random")
        splitter = SPLITTERS[name]
        params = parse_params(splitter.params, use, "split")
        folds = tuple(splitter.split(params, train, info))
        competition = Competition(
            "made", tmp_path, "made", task, ("m",), DataSpec("x"), Use(name), (), leaks=Leaks(accepted or {})
        )
        return Prepared(
            setting=Setting(tmp_path, tmp_path / "cache"),
            competition=competition,
            plugins=None,  # type: ignore[arg-type] - no check asks them
            dataset=Dataset(info, train, valid, test, digest=""),
            splitter=splitter,
            split={},
            folds=folds,
            metrics=(),
            target_prior=None,
        )

    return make


@pytest.fixture
def rows() -> Callable[..., tuple[Examples, Examples]]:
    """Return ``rows(seed, n, ...)``: train and test of one draw, ids dealt at random, some columns that matter."""

    def make(
        seed: int = 0,
        n: int = 600,
        test: int = 200,
        columns: int = 8,
        task: TaskType = TaskType.BINARY,
        change: Callable[[pd.DataFrame, np.ndarray, np.random.Generator], Any] | None = None,
    ) -> tuple[Examples, Examples]:
        rng = np.random.default_rng(seed)
        total = n + test
        table = pd.DataFrame(rng.normal(size=(total, columns)), columns=[f"x{at}" for at in range(columns)])
        table["kind"] = pd.Categorical(rng.choice(["a", "b", "c", "d"], total))
        wanted = table["x0"] + table["x1"] * (table["kind"] == "a") + rng.normal(size=total)
        targets = wanted.to_numpy()
        if task is TaskType.BINARY:
            targets = (wanted > np.quantile(wanted, 0.6)).to_numpy().astype(np.int64)
        ids = np.array([f"row_{number:06d}" for number in rng.permutation(10 * total)[:total]], dtype=object)
        if change is not None:
            changed = change(table, targets, rng)
            ids = ids if changed is None else changed
        return (
            Examples(ids[:n], table.iloc[:n].reset_index(drop=True), targets[:n]),
            Examples(ids[n:], table.iloc[n:].reset_index(drop=True)),
        )

    return make
