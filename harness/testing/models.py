"""Checks of a model recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from harness.data import Dataset, Examples, Predictions, TaskType
from harness.errors import DataError, listed
from harness.offers import BuildContext, Model, ModelRecipe
from harness.testing.bench import REFUSALS, ModelBench, Notes, context_for, datasets_for
from harness.testing.findings import SKIPPED, Finding, attempt, raised
from harness.testing.generated import copied, same, same_examples
from harness.testing.hostile_models import check_hostile
from harness.testing.offered import check_params, ready_params
from harness.testing.predicting import CLOSE, apart, check_predicting
from harness.testing.saved import pickles_in
from harness.testing.state import from_before, watched

FEW = 20
"""Iterations a model is tried with, where its recipe says which parameter that is."""

UNSURE = 2.0
"""How many times as likely as another class one without rows may be: one epoch teaches a network little."""


@from_before
def check_model(
    recipe: ModelRecipe, params: Any = None, dataset: Dataset | None = None, hostile: bool = False
) -> Iterator[Finding]:
    """Check a model on each of its tasks.

    Parameters
    ----------
    recipe : ModelRecipe
    params : dataclass instance, optional
        Parameters to try it with (small ones, say); without it the defaults, with few iterations.
    dataset : Dataset, optional
        Data that it can take, for its task only; without it, generated tables. At least 50 rows of `train`.
    hostile : bool
        Also try what nobody should do to it: see `harness.testing.hostile_models`.

    Yields
    ------
    Finding
        A model that refuses generated tables with a `HarnessError` or ``NotImplementedError`` is skipped.
    """
    yield from check_params(recipe)
    yield Finding(recipe.name, "tasks", "" if recipe.tasks else "names no task")
    named = recipe.iterations
    if named is not None and named not in getattr(recipe.params, "__dataclass_fields__", {}):
        yield Finding(recipe.name, "iterations", f"{recipe.params.__name__} has no field {named!r}")
        return
    chosen = ready_params(recipe, params)
    if chosen is None:
        return
    if params is None and named is not None:
        chosen = replace(chosen, **{named: min(FEW, getattr(chosen, named))})
    for task, datasets in datasets_for(recipe.tasks, dataset).items():
        refusal: Finding | None = None
        for data in datasets:
            refusal, *findings = _on(recipe, chosen, task, data, hostile)
            if refusal is None:
                yield from (found for found in findings if found is not None)
                break
        if refusal is not None:
            # what the caller gave must be taken
            yield refusal if dataset is None else replace(refusal, check=f"{task}: fit", problem=refusal.check)


def _on(recipe: ModelRecipe, params: Any, task: TaskType, dataset: Dataset, hostile: bool) -> list[Finding | None]:
    """Return the refusal (or None), then the findings."""
    n = len(dataset.train)
    parts = (np.arange(0, n - 2 * (n // 5)), np.arange(n - 2 * (n // 5), n - n // 5), np.arange(n - n // 5, n))
    train, inner, held = (dataset.train.take(part) for part in parts)
    others = held if dataset.test is None else dataset.test
    try:
        with (
            threadpool_limits(limits=1),
            context_for(lambda: recipe.stages(params, dataset.info) if recipe.stages else (), dataset) as context,
        ):
            bench = ModelBench(recipe, params, context, dataset.info, train, inner, others.unlabelled())
            given = copied(train)
            model = recipe.build(params, dataset.info, context)
            model.fit(given, None, Notes())
            return [None, *_findings(bench, task, model, same_examples(given, train), hostile)]
    except REFUSALS as error:
        return [Finding(recipe.name, f"{SKIPPED}{task}: {error}")]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's SystemExit must not end the checks
        return [None, Finding(recipe.name, f"{task}: fit", raised(error))]


def _findings(bench: ModelBench, task: TaskType, model: Model, kept: bool, hostile: bool) -> Iterator[Finding]:
    name = bench.recipe.name
    yield Finding(name, f"{task}: fit")
    yield Finding(name, f"{task}: leaves training rows as they are", "" if kept else "fit changed what it was given")
    first: list[Predictions] = []

    def shape() -> str:
        first.append(bench.predicted(model))
        return ""

    @cache
    def again() -> tuple[Predictions, str]:
        # not the first fit: what is imported meanwhile may change things for good
        with watched() as changed:
            found = bench.predicted(bench.fitted(bench.train))
        return found, "".join(changed)

    yield attempt(name, f"{task}: predictions fit ids, classes and range", shape)
    if not first:
        return
    repeats = attempt(name, f"{task}: same seed, same bytes", lambda: _repeats(again()[0], first[0]))
    yield repeats
    yield attempt(name, f"{task}: leaves global state as it is", lambda: again()[1])
    with TemporaryDirectory(prefix="harness-") as folder:
        yield attempt(name, f"{task}: save and load", lambda: _reloads(bench, model, Path(folder), first[0]))
        yield attempt(name, f"{task}: no pickle is saved", lambda: _no_pickle(Path(folder)))
    yield from check_predicting(bench, model, first[0], task)
    if bench.recipe.inner is not None:
        yield attempt(name, f"{task}: takes an inner holdout", lambda: _predicts(bench, bench.train, bench.inner))
    yield attempt(name, f"{task}: takes weights", lambda: _weighs(bench, first[0]))
    if bench.info.classes:
        yield attempt(name, f"{task}: a fold that lacks a class", lambda: _lacks(bench))
        yield attempt(name, f"{task}: columns keep the order of classes", lambda: _ordered(bench))
    if hostile:
        yield from check_hostile(bench, model, None if repeats.problem else first[0].values, task)


def _predicts(bench: ModelBench, train: Examples, inner: Examples | None = None) -> str:
    bench.predicted(bench.fitted(train, inner))
    return ""


def _repeats(again: Predictions, first: Predictions) -> str:
    if same(first.values, again.values):
        return ""
    far = apart(first.values, again.values)
    return f"a second fit with the same seed predicts other values, by up to {far:.2g}; seed it from context.seed"


def _reloads(bench: ModelBench, model: Model, folder: Path, first: Predictions) -> str:
    model.save(folder)
    if not any(folder.iterdir()):
        return "save wrote nothing"
    again = bench.recipe.build(bench.params, bench.info, BuildContext())
    again.load(folder)
    values = bench.predicted(again).values
    if same(first.values, values):
        return ""
    return f"the loaded model predicts other values, by up to {apart(first.values, values):.2g}"


def _no_pickle(folder: Path) -> str:
    found = pickles_in(folder)
    told = "a pickle runs code when it is read; use harness.persist, safetensors or JSON"
    return f"{listed(found)}: {told}" if found else ""


def _weighs(bench: ModelBench, first: Predictions) -> str:
    """Fit with some rows that count next to nothing: that changes predictions, or the model notes that it does not."""
    weights = np.random.default_rng(0).choice([0.01, 1.0], len(bench.train))
    model, notes = bench.noted(replace(bench.train, weights=weights))
    values = bench.predicted(model).values
    if not same(values, first.values) or any("weights" in note for note in notes):
        return ""
    return "they change nothing; use train.weights, or say log.note('weights are ignored: ...')"


def _lacks(bench: ModelBench) -> str:
    _without(bench, len(bench.info.classes) - 1)
    return ""


def _ordered(bench: ModelBench) -> str:
    """Fit without rows of the first class: its column must be there, and hold little."""
    values = _without(bench, 0)
    if values is None:
        return ""
    means = values.mean(axis=0)
    if means[0] <= UNSURE * means.min() + CLOSE:
        return ""
    absent, more = bench.info.classes[0], bench.info.classes[int(means.argmin())]
    return f"class {absent!r} had no training rows, but is predicted more than {more!r}"


def _without(bench: ModelBench, code: int) -> NDArray[np.float64] | None:
    """Return what a model predicts that saw no row of a class; None if it may and does refuse that."""
    try:
        model = bench.fitted(_without_a_class(bench.train, code))
    except DataError:
        # rows of one class are nothing to learn from; a model may say so
        if bench.info.task_type is TaskType.BINARY:
            return None
        raise
    return bench.predicted(model).values


def _without_a_class(train: Examples, code: int) -> Examples:
    targets = train.targets
    assert targets is not None
    if targets.ndim == 1:
        return train.take(np.flatnonzero(targets != code).astype(np.int64))
    emptied = targets.copy()
    emptied[:, code] = 0
    return replace(train, targets=emptied)
