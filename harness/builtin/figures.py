"""Built-in figures: what a run's numbers look like; the names are the same for every strategy of a task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.data import TaskType
from harness.hookspecs import hookimpl

if TYPE_CHECKING:
    from harness.competition import Competition
    from harness.data import Dataset
    from harness.results import Artifact, RunResult


@hookimpl
def harness_report(competition: Competition, dataset: Dataset, result: RunResult) -> Iterable[Artifact]:
    if len(result.oof.targets) == 0:
        return
    if dataset.info.task_type.single_label:
        yield from _classification(competition, dataset, result)
    elif dataset.info.task_type is TaskType.REGRESSION:
        yield from _regression(competition, result)


def _classification(competition: Competition, dataset: Dataset, result: RunResult) -> Iterable[Artifact]:
    from harness.builtin._figures import confusion, precision_recall, reliability, shares
    from harness.builtin._figures.sets import shown_sets
    from harness.results import Artifact

    classes, name = dataset.info.shown_classes, result.run.label
    sets = shown_sets(competition, result)
    yield Artifact(
        "reliability.png", "Reliability of the probabilities", lambda path: reliability.draw(sets, classes, name, path)
    )
    yield Artifact(
        "precision_recall.png",
        "Precision and recall of each class",
        lambda path: precision_recall.draw(sets, classes, name, path),
    )
    if sets[0].decisions is not None:
        yield Artifact(
            "confusion.png", "Confusion matrix of the decisions", lambda path: confusion.draw(sets, classes, name, path)
        )
    if any(fold.counts_before for fold in result.folds):
        yield Artifact(
            "class_shares.png",
            "Class shares before and after rebalancing",
            lambda path: shares.draw(result.folds, dataset.info, name, path),
        )


def _regression(competition: Competition, result: RunResult) -> Iterable[Artifact]:
    from harness.builtin._figures import regression
    from harness.builtin._figures.sets import shown_sets
    from harness.results import Artifact

    sets, name = shown_sets(competition, result), result.run.label
    columns = competition.submission.columns if competition.submission else {}
    unit = next((column for column, output in columns.items() if output == "point"), "value")
    yield Artifact(
        "predicted_actual.png", "Predicted against actual", lambda path: regression.draw_actual(sets, unit, name, path)
    )
    yield Artifact(
        "residuals.png",
        "Residuals against predictions",
        lambda path: regression.draw_residuals(sets, unit, name, path),
    )
