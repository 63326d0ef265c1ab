"""Weights that give every class the same total (King and Zeng 2001, https://doi.org/10.1093/oxfordjournals.pan.a004868)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.data import DatasetInfo, Examples
from harness.offers import Rebalancer
from harness.params import param

from .counts import codes


@dataclass(frozen=True)
class ClassWeightsParams:
    """Parameters of `imbalance.class_weights`."""

    strength: float = param(1.0, "exponent of the weights: 1 = equal totals, 0 = none", low=0.0, high=1.0)


def rebalance(params: ClassWeightsParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:  # noqa: ARG001
    """Multiply weights by n / (k * n_c), n_c the weight of the row's class among k classes of total weight n."""
    import numpy as np

    targets = codes(examples, info)
    weights = np.ones(len(targets)) if examples.weights is None else examples.weights
    totals = np.bincount(targets, weights=weights)
    present = totals[totals > 0]
    factors = np.ones(len(totals))
    factors[totals > 0] = (present.sum() / (len(present) * present)) ** params.strength
    return replace(examples, weights=weights * factors[targets])


REBALANCER = Rebalancer("imbalance.class_weights", "weight classes by n / (k * n_c)", ClassWeightsParams, rebalance)
