"""What models and features are tried with: generated tables, stages in a temporary folder, a log that keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from harness.checked import checked
from harness.data import Dataset, DatasetInfo, Examples, Fold, Predictions, TaskType
from harness.errors import HarnessError
from harness.offers import BuildContext, Model, ModelRecipe, Stage
from harness.plugins import Plugins
from harness.stages import run_stages
from harness.testing.generated import copied, table

SEED = 3
REFUSALS = (HarnessError, NotImplementedError)
"""What an offer raises to say that it does not take this data."""


class Notes:
    """A `harness.offers.TaskLog` that keeps what it is told."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []
        self.notes: list[str] = []

    def epoch(self, step: int, **metrics: float) -> None:
        """Keep an epoch."""
        self.epochs.append({"step": int(step), **{name: float(value) for name, value in metrics.items()}})

    def note(self, text: str) -> None:
        """Keep a line."""
        self.notes.append(str(text))


@dataclass(frozen=True, eq=False)
class ModelBench:
    """One model recipe on one data set: rows to learn from, a holdout, and others to predict."""

    recipe: ModelRecipe
    params: Any
    context: BuildContext
    info: DatasetInfo
    train: Examples
    inner: Examples
    others: Examples

    def fitted(self, train: Examples, inner: Examples | None = None) -> Model:
        """Build a model and fit it."""
        return self.noted(train, inner)[0]

    def noted(self, train: Examples, inner: Examples | None = None) -> tuple[Model, list[str]]:
        """Build a model and fit it on a copy, which it may have changed afterwards; also return what it noted."""
        model, log = self.recipe.build(self.params, self.info, self.context), Notes()
        model.fit(copied(train), None if inner is None else copied(inner), log)
        return model, log.notes

    def predicted(self, model: Model, examples: Examples | None = None) -> Predictions:
        """Predict the others, or the given rows, by the contract."""
        rows = copied(self.others if examples is None else examples)
        return checked(model.predict(rows), rows, self.info, self.recipe.name)


def datasets_for(tasks: Iterable[TaskType], given: Dataset | None) -> dict[TaskType, list[Dataset]]:
    """Return the data sets to try, in this order, by task: the caller's own, or tables with and without a category."""
    if given is not None:
        return {given.info.task_type: [given]}
    return {task: [table(task), table(task, categories=False)] for task in sorted(tasks)}


@contextmanager
def context_for(stages: Callable[[], Sequence[Stage]], dataset: Dataset) -> Iterator[BuildContext]:
    """Run an offer's stages and yield its context; their results are removed afterwards."""
    n = len(dataset.train)
    fold = Fold(0, np.arange(n - n // 5), np.arange(n - n // 5, n))
    context = BuildContext(seed=SEED, threads=1)
    with TemporaryDirectory(prefix="harness-") as folder:
        done = run_stages(stages(), dataset, fold, context, SEED, Plugins(), Path(folder), Notes())
        yield BuildContext(seed=SEED, threads=1, stages=done)
