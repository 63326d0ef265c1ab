"""The rebalancer ``digits.few_labels``: a model that learns from a few of the labels only."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data import DatasetInfo, Examples
from harness.errors import DataError
from harness.offers import Rebalancer
from harness.params import param


@dataclass(frozen=True)
class FewLabelsParams:
    """Parameters of ``digits.few_labels``."""

    keep: float = param(
        0.1, "share of each class's training rows to keep, at least one row", low=0.001, high=1.0, log=True
    )


def rebalance(params: FewLabelsParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:
    """Keep a random share of the rows of each class, in their order.

    It sees the training rows of a fold only. Strategies of the same seed keep the same rows, so they can be compared.
    """
    import numpy as np

    if not info.task_type.single_label or examples.targets is None:
        raise DataError(f"digits.few_labels takes rows of one class each, not task = {info.task_type.value!r}")
    rng = np.random.default_rng(seed)
    kept = []
    for code in np.unique(examples.targets):
        rows = np.flatnonzero(examples.targets == code)
        kept.append(rng.choice(rows, max(1, round(params.keep * len(rows))), replace=False))
    return examples.take(np.sort(np.concatenate(kept)).astype(np.int64))


FEW_LABELS = Rebalancer("digits.few_labels", "learn from a few of the labels", FewLabelsParams, rebalance)
