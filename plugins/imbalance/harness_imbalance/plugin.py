"""What the plugin offers; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness import hookimpl

if TYPE_CHECKING:
    from harness.offers import Adjuster, DatasetSource, Features, ModelRecipe, Rebalancer
    from harness.proposal import Given, Proposal


@hookimpl
def harness_datasets() -> Iterable[DatasetSource]:
    from harness_imbalance.table import datasets

    return datasets()


@hookimpl
def harness_features() -> Iterable[Features]:
    from harness_imbalance.features import features

    return features()


@hookimpl
def harness_models() -> Iterable[ModelRecipe]:
    from harness_imbalance.models import models

    return models()


@hookimpl
def harness_rebalancers() -> Iterable[Rebalancer]:
    from harness_imbalance.rebalancers import rebalancers

    return rebalancers()


@hookimpl
def harness_adjusters() -> Iterable[Adjuster]:
    from harness_imbalance.adjusters import adjusters

    return adjusters()


@hookimpl
def harness_propose(given: Given) -> Iterable[Proposal]:
    from harness_imbalance.proposing.propose import propose

    return propose(given)
