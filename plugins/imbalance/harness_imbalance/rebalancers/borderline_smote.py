"""Borderline-SMOTE (Han, Wang and Mao 2005, https://doi.org/10.1007/11538059_91), first kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.data import DatasetInfo, Examples
from harness.errors import DataError
from harness.offers import Rebalancer
from harness.params import param

from .generate import SmoteParams, generate
from .space import Space


@dataclass(frozen=True)
class BorderlineSmoteParams(SmoteParams):
    """Parameters of `imbalance.borderline_smote`."""

    m_neighbors: int = param(10, "neighbours of any class that tell whether a row is on the border", low=1, high=1000)


def rebalance(params: BorderlineSmoteParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:
    """Grow the smaller classes from rows on the border; a class with none there stays as it is.

    A category of a made-up row is the level of the nearer of the two rows that it was made between.
    """
    if len(examples) <= params.m_neighbors:
        raise DataError(
            f"this fold has {len(examples)} training rows, m_neighbors = {params.m_neighbors} needs more; set a smaller"
            " m_neighbors, or use imbalance.smote"
        )

    def sampler(space: Space, wanted: dict[int, int]) -> Any:  # noqa: ARG001
        from imblearn.over_sampling import BorderlineSMOTE

        return BorderlineSMOTE(
            sampling_strategy=wanted,
            k_neighbors=params.k_neighbors,
            m_neighbors=params.m_neighbors,
            random_state=seed % 2**32,
        )

    return generate(params, examples, info, sampler, wide=True)


REBALANCER = Rebalancer(
    "imbalance.borderline_smote",
    "SMOTE from rows on the border of a class only",
    BorderlineSmoteParams,
    rebalance,
    generates=True,
)
