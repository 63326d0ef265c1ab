"""SMOTE, then edited nearest neighbours (Batista et al. 2004, https://doi.org/10.1145/1007730.1007735)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data import DatasetInfo, Examples
from harness.offers import Rebalancer
from harness.params import param

from .generate import SmoteParams, clean, smote_only


@dataclass(frozen=True)
class SmoteEnnParams(SmoteParams):
    """Parameters of `imbalance.smoteenn`."""

    n_neighbors: int = param(3, "neighbours that all have to be of a row's class for it to stay", low=1, high=1000)


def rebalance(params: SmoteEnnParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:
    """Grow the smaller classes, then remove every row with a neighbour of another class."""
    from imblearn.under_sampling import EditedNearestNeighbours

    cleaner = EditedNearestNeighbours(sampling_strategy="all", n_neighbors=params.n_neighbors)
    return clean(params, smote_only(params, examples, info, seed), info, cleaner, "imbalance.smoteenn")


REBALANCER = Rebalancer(
    "imbalance.smoteenn",
    "SMOTE, then remove rows whose neighbours disagree",
    SmoteEnnParams,
    rebalance,
    generates=True,
)
