"""What a model is tried with that nobody should do to it; see `harness.testing.hostile`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.data import Examples, TaskType
from harness.offers import Model
from harness.testing.bench import ModelBench, Notes
from harness.testing.findings import Finding, attempt
from harness.testing.generated import same
from harness.testing.hostile import check_clock, check_network, check_refusal
from harness.testing.predicting import CLOSE, apart

Floats = NDArray[np.float64]


def check_hostile(bench: ModelBench, model: Model, first: Floats | None, task: TaskType) -> Iterator[Finding]:
    """Try a fitted model, and new ones of its recipe, with what is bad for them.

    `first` is what it predicted; None if a second fit predicts otherwise, which says nothing of the day and of ids.
    """
    name, none = bench.recipe.name, np.arange(0)

    def anew() -> object:
        return bench.predicted(bench.fitted(bench.train)).values

    def on_another_day(first: Floats) -> str:
        return "" if same(anew(), first) else "on another day a fit predicts otherwise; take dates from the data"

    def fit_nothing() -> None:
        bench.recipe.build(bench.params, bench.info, bench.context).fit(bench.train.take(none), None, Notes())

    yield attempt(name, f"{task}: does not read labels of what it predicts", lambda: _labels(bench, model))
    if first is not None:
        yield attempt(name, f"{task}: ids are only names", lambda: _ids(bench, first))
        yield check_clock(name, f"{task}: the day is nothing", lambda: on_another_day(first))
    yield attempt(name, f"{task}: predicts a row that comes twice alike", lambda: _twice(bench, model))
    yield check_network(name, f"{task}: reaches no network", anew)
    yield check_refusal(name, f"{task}: takes or refuses no rows to learn from", fit_nothing)
    yield check_refusal(
        name, f"{task}: takes or refuses no rows to predict", lambda: bench.predicted(model, bench.others.take(none))
    )
    yield check_refusal(name, f"{task}: takes or refuses strange inputs", lambda: _on_strange(bench, model))
    if isinstance(bench.others.inputs, pd.DataFrame):
        yield check_refusal(name, f"{task}: columns go by their names", lambda: _by_name(bench, model))


def _labels(bench: ModelBench, model: Model) -> str:
    """Predict the same rows with labels that nothing but the labels themselves can tell."""
    n, k = len(bench.others), len(bench.info.classes)
    plain = bench.predicted(model).values
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        honey: Any = rng.normal(size=n)
        if bench.info.task_type.single_label:
            honey = rng.integers(0, k, n)
        elif bench.info.task_type is TaskType.MULTILABEL:
            honey = rng.integers(0, 2, (n, k)).astype(np.int8)
        if not same(bench.predicted(model, replace(bench.others, targets=honey)).values, plain):
            return "predictions follow the labels of the rows that are predicted; read inputs only"
    return ""


def _ids(bench: ModelBench, first: Floats) -> str:
    model = bench.fitted(_renamed(bench.train))
    values = bench.predicted(model, _renamed(bench.others)).values
    if np.allclose(values, first, rtol=CLOSE, atol=CLOSE):
        return ""
    return f"with other ids rows are predicted otherwise, by up to {apart(values, first):.2g}; an id is no input"


def _renamed(examples: Examples) -> Examples:
    """Return the rows with ids that are in another order."""
    ids = [f"{name:06d}" for name in np.random.default_rng(8).permutation(len(examples))]
    return replace(examples, ids=np.array(ids, dtype=object))


def _twice(bench: ModelBench, model: Model) -> str:
    values = bench.predicted(model, bench.others.take(np.array([0, 1, 0]))).values
    far = apart(values[0], values[2])
    return "" if far <= CLOSE else f"two equal rows of one id differ by {far:.2g}"


def _on_strange(bench: ModelBench, model: Model) -> str:
    """Look that rows without their first column, or without inputs, are not all answered alike where others are not."""
    plain, found = (bench.predicted(model, rows).values for rows in (bench.others, _strange(bench.others)))
    if np.ptp(plain, axis=0).max() > CLOSE and np.ptp(found, axis=0).max() <= CLOSE:
        return "every row is answered alike; refuse what you cannot read with a HarnessError"
    return ""


def _by_name(bench: ModelBench, model: Model) -> str:
    turned = bench.others.with_inputs(bench.others.inputs.iloc[:, ::-1])
    far = apart(bench.predicted(model).values, bench.predicted(model, turned).values)
    told = f"with its columns in another order a row is predicted otherwise, by up to {far:.2g}; take them by name"
    return told if far > CLOSE else ""


def _strange(examples: Examples) -> Examples:
    """Return rows that lack their first column, or are no inputs at all."""
    if isinstance(examples.inputs, pd.DataFrame):
        return examples.with_inputs(examples.inputs.iloc[:, 1:])
    return examples.with_inputs([None] * len(examples))
