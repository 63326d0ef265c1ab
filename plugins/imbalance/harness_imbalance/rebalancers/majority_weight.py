"""Weight one class down: what undersampling does on average, with no row thrown away."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.data import DatasetInfo, Examples
from harness.offers import Rebalancer
from harness.params import param

from .counts import class_counts, codes, named


@dataclass(frozen=True)
class MajorityWeightParams:
    """Parameters of `imbalance.majority_weight`."""

    weight: float = param(1 / 6, "factor of the weights", low=0.0001, high=1.0, log=True, tune=(0.02, 1.0))
    classes: tuple[str, ...] = param((), "classes to weight down; none named = the majority of the fold")


def rebalance(params: MajorityWeightParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:  # noqa: ARG001
    """Multiply the weights of the named classes' rows by `weight`."""
    import numpy as np

    targets = codes(examples, info)
    lighter = np.isin(targets, named(params.classes, info, class_counts(targets)))
    weights = np.ones(len(targets)) if examples.weights is None else examples.weights
    return replace(examples, weights=np.where(lighter, weights * params.weight, weights))


REBALANCER = Rebalancer("imbalance.majority_weight", "weight the majority by a factor", MajorityWeightParams, rebalance)
