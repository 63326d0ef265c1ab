"""SMOTE, then remove Tomek links (Batista et al. 2003; Tomek 1976, https://doi.org/10.1109/TSMC.1976.4309452)."""

from __future__ import annotations

from harness.data import DatasetInfo, Examples
from harness.offers import Rebalancer

from .generate import SmoteParams, clean, smote_only


def rebalance(params: SmoteParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:
    """Grow the smaller classes, then remove pairs of nearest neighbours of different classes."""
    from imblearn.under_sampling import TomekLinks

    cleaner = TomekLinks(sampling_strategy="all")
    return clean(params, smote_only(params, examples, info, seed), info, cleaner, "imbalance.smotetomek")


REBALANCER = Rebalancer(
    "imbalance.smotetomek",
    "SMOTE, then remove pairs of neighbours of different classes",
    SmoteParams,
    rebalance,
    generates=True,
)
