"""Checks of how a fitted model predicts: each row by itself, the same every time, whatever stands around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from harness.data import Predictions
from harness.device import count_gpus
from harness.offers import Model
from harness.testing.bench import ModelBench
from harness.testing.findings import Finding, attempt
from harness.testing.generated import copied, same, same_examples

CLOSE = 1e-5
"""Difference that the batches of a 32-bit network may make."""
CLOSE_ON_GPU = 1e-3
"""Difference that the arithmetic of a GPU may make, TF32 included."""
PARITY = "predicts alike on a GPU"


def check_predicting(bench: ModelBench, model: Model, first: Predictions, task: str) -> Iterator[Finding]:
    """Check a fitted model on the rows that `first` was predicted for."""
    name = bench.recipe.name
    yield attempt(name, f"{task}: leaves rows to predict as they are", lambda: _keeps(bench, model))
    yield attempt(name, f"{task}: predicting twice, same bytes", lambda: _repeats(bench, model, first))
    yield attempt(name, f"{task}: the order of rows is nothing", lambda: _turned(bench, model, first))
    yield attempt(name, f"{task}: a row's prediction is its own", lambda: _fewer(bench, model, first))
    if count_gpus():
        yield attempt(name, f"{task}: {PARITY}", lambda: _on_gpu(bench, model, first))


def apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the largest difference of two arrays of one shape; 0 for no rows."""
    return float(np.abs(one - other).max(initial=0.0))


def _keeps(bench: ModelBench, model: Model) -> str:
    given = copied(bench.others)
    model.predict(given)
    return "" if same_examples(given, bench.others) else "predict changed what it was given"


def _repeats(bench: ModelBench, model: Model, first: Predictions) -> str:
    again = bench.predicted(model).values
    if same(first.values, again):
        return ""
    return f"the same rows are predicted otherwise the second time, by up to {apart(first.values, again):.2g}"


def _turned(bench: ModelBench, model: Model, first: Predictions) -> str:
    order = np.random.default_rng(6).permutation(len(bench.others))
    return _compared(bench, model, first, order, "in another order rows are predicted otherwise")


def _fewer(bench: ModelBench, model: Model, first: Predictions) -> str:
    some = np.arange(0, len(bench.others), 3)
    told = "with fewer rows around it a row is predicted otherwise"
    return _compared(bench, model, first, some, told) or _compared(bench, model, first, some[:1], told)


def _compared(bench: ModelBench, model: Model, first: Predictions, rows: NDArray[np.int64], told: str) -> str:
    found = bench.predicted(model, bench.others.take(rows)).values
    wanted = first.values[rows]
    if np.allclose(found, wanted, rtol=CLOSE, atol=CLOSE):
        return ""
    return f"{told}, by up to {apart(found, wanted):.2g}; predict each row from its own inputs"


def _on_gpu(bench: ModelBench, model: Model, first: Predictions) -> str:
    with TemporaryDirectory(prefix="harness-") as folder:
        model.save(Path(folder))
        moved = bench.recipe.build(bench.params, bench.info, replace(bench.context, device="cuda"))
        moved.load(Path(folder))
        found = bench.predicted(moved).values
    far = apart(first.values, found)
    return "" if far <= CLOSE_ON_GPU else f"on a GPU the same model predicts otherwise, by up to {far:.2g}"
