"""What the plugin offers; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness import hookimpl

if TYPE_CHECKING:
    from harness.competition import Competition
    from harness.data import Dataset
    from harness.findings import Finding
    from harness.offers import Adjuster, DatasetSource, ModelRecipe
    from harness.proposal import Given, Proposal
    from harness.results import Artifact, RunResult, Shown


@hookimpl
def harness_datasets() -> Iterable[DatasetSource]:
    from harness_imagewang.source import datasets

    return datasets()


@hookimpl
def harness_models() -> Iterable[ModelRecipe]:
    from harness_imagewang.models import models

    return models()


@hookimpl
def harness_adjusters() -> Iterable[Adjuster]:
    from harness_imagewang.restrict import adjusters

    return adjusters()


@hookimpl
def harness_report(competition: Competition, dataset: Dataset, result: RunResult) -> Iterable[Artifact]:
    from harness_imagewang.report.figures import report

    return report(competition, dataset, result)


@hookimpl
def harness_write_page(competition: Competition, shown: Shown, path: Path) -> list[str] | None:
    from harness_imagewang.report.page import write

    return write(competition, shown, path)


@hookimpl
def harness_check_dataset(competition: Competition, dataset: Dataset) -> Iterable[Finding]:
    from harness_imagewang.source import findings

    return findings(competition, dataset)


@hookimpl
def harness_propose(given: Given) -> Iterable[Proposal]:
    from harness_imagewang.propose import propose

    return propose(given)
