"""What the plugin offers; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness import hookimpl

if TYPE_CHECKING:
    from harness.competition import Competition
    from harness.data import Dataset, Predictions, Submission
    from harness.offers import Adjuster, DatasetSource, Metric, ModelRecipe
    from harness.proposal import Given, Proposal
    from harness.results import Artifact, RunResult


@hookimpl
def harness_datasets() -> Iterable[DatasetSource]:
    from harness_birdclef.source import datasets

    return datasets()


@hookimpl
def harness_models() -> Iterable[ModelRecipe]:
    from harness_birdclef.models import models

    return models()


@hookimpl
def harness_metrics() -> Iterable[Metric]:
    from harness_birdclef.metrics import metrics

    return metrics()


@hookimpl
def harness_adjusters() -> Iterable[Adjuster]:
    from harness_birdclef.adjusters import adjusters

    return adjusters()


@hookimpl
def harness_make_submission(
    competition: Competition, dataset: Dataset, predictions: Predictions, decisions: Predictions | None
) -> Submission | None:
    from harness_birdclef.submission import make

    return make(competition, dataset, predictions, decisions)


@hookimpl
def harness_report(competition: Competition, dataset: Dataset, result: RunResult) -> Iterable[Artifact]:
    from harness_birdclef.report import report

    return report(competition, dataset, result)


@hookimpl
def harness_propose(given: Given) -> Iterable[Proposal]:
    from harness_birdclef.propose import propose

    return propose(given)
