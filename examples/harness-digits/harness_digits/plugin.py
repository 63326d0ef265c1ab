"""What the plugin offers; nothing heavy is imported here, so that ``harness list`` stays instant."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness import hookimpl

if TYPE_CHECKING:
    from harness.competition import Competition
    from harness.data import Dataset
    from harness.offers import DatasetSource, ModelRecipe, Rebalancer
    from harness.results import Artifact, RunResult


@hookimpl
def harness_competitions() -> Iterable[Path]:
    yield Path(__file__).parent / "competitions"


@hookimpl
def harness_datasets() -> Iterable[DatasetSource]:
    from harness_digits.source import SOURCE

    yield SOURCE


@hookimpl
def harness_models() -> Iterable[ModelRecipe]:
    from harness_digits.cnn import CNN
    from harness_digits.logistic import LOGISTIC

    yield from (LOGISTIC, CNN)


@hookimpl
def harness_rebalancers() -> Iterable[Rebalancer]:
    from harness_digits.few import FEW_LABELS

    yield FEW_LABELS


@hookimpl
def harness_report(competition: Competition, dataset: Dataset, result: RunResult) -> Iterable[Artifact]:
    from harness_digits.report import report

    return report(competition, dataset, result)
