"""What the plugin offers; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from harness.competition import Competition
    from harness.data import Dataset
    from harness.offers import Adjuster, DatasetSource, Features, Metric, ModelRecipe
    from harness.results import Artifact, RunResult, Shown


@hookimpl
def harness_datasets() -> Iterable[DatasetSource]:
    from harness_airquality.source import datasets

    return datasets()


@hookimpl
def harness_features() -> Iterable[Features]:
    from harness_airquality.features import features

    return features()


@hookimpl
def harness_models() -> Iterable[ModelRecipe]:
    from harness_airquality.models import models

    return models()


@hookimpl
def harness_metrics() -> Iterable[Metric]:
    from harness_airquality.interval_metrics import metrics

    return metrics()


@hookimpl
def harness_adjusters() -> Iterable[Adjuster]:
    from harness_airquality.intervals import adjusters

    return adjusters()


@hookimpl
def harness_report(competition: Competition, dataset: Dataset, result: RunResult) -> Iterable[Artifact]:
    from harness_airquality.coverage import report

    return report(competition, dataset, result)


@hookimpl
def harness_write_page(competition: Competition, shown: Shown, path: Path) -> list[str] | None:
    from harness_airquality.report import write

    return write(competition, shown, path)
