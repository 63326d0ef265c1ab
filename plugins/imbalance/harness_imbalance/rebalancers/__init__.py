"""Rebalancers: one method, one file; they see the training rows of one fold only."""

from __future__ import annotations

from collections.abc import Iterable

from harness.offers import Rebalancer

from . import (
    adasyn,
    borderline_smote,
    class_weights,
    majority_weight,
    oversample,
    smote,
    smote_undersample,
    smoteenn,
    smotetomek,
    undersample,
)


def rebalancers() -> Iterable[Rebalancer]:
    """Yield every rebalancer of the plugin; leaving the rows alone is the core's own."""
    yield undersample.REBALANCER
    yield oversample.REBALANCER
    yield class_weights.REBALANCER
    yield majority_weight.REBALANCER
    yield smote.REBALANCER
    yield smote_undersample.REBALANCER
    yield borderline_smote.REBALANCER
    yield adasyn.REBALANCER
    yield smoteenn.REBALANCER
    yield smotetomek.REBALANCER
