"""ADASYN: more made-up rows where a class is hard to tell (He et al. 2008, https://doi.org/10.1109/IJCNN.2008.4633969)."""

from __future__ import annotations

from typing import Any

from harness.data import DatasetInfo, Examples
from harness.errors import DataError
from harness.offers import Rebalancer

from .generate import SmoteParams, generate
from .space import Space


def rebalance(params: SmoteParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:
    """Grow the smaller classes to about as many rows as asked for: numbers are rounded row by row.

    A category of a made-up row is the level of the nearer of the two rows that it was made between.
    """

    def sampler(space: Space, wanted: dict[int, int]) -> Any:  # noqa: ARG001
        from imblearn.over_sampling import ADASYN

        return ADASYN(sampling_strategy=wanted, n_neighbors=params.k_neighbors, random_state=seed % 2**32)

    try:
        return generate(params, examples, info, sampler, wide=True)
    except (
        RuntimeError,
        ValueError,
    ) as error:  # how imbalanced-learn tells that no row has neighbours of other classes
        raise DataError(
            f"ADASYN finds no row to start from in this fold ({str(error).splitlines()[0]}); use imbalance.smote"
        ) from error


REBALANCER = Rebalancer(
    "imbalance.adasyn", "SMOTE with more rows where a class is hard to tell", SmoteParams, rebalance, generates=True
)
