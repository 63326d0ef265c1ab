"""Random oversampling: repeat rows of the smaller classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.data import DatasetInfo, Examples
from harness.offers import Rebalancer
from harness.params import param

from .counts import class_counts, codes
from .generated import generated_ids


@dataclass(frozen=True)
class OversampleParams:
    """Parameters of `imbalance.oversample`."""

    ratio: float = param(
        1.0, "rows that each smaller class gets at least, as a share of the majority", low=0.0, high=1.0
    )


def rebalance(params: OversampleParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:
    """Append random rows of each class below ``ratio * n_majority`` until it has that many.

    A repeated row keeps everything (its group, its time) but the id, which says that it was generated.
    """
    import numpy as np
    from imblearn.over_sampling import RandomOverSampler

    targets = codes(examples, info)
    counts = class_counts(targets)
    goal = round(params.ratio * max(counts.values()))
    wanted = {code: goal for code, count in counts.items() if count < goal}
    if not wanted:
        return examples
    sampler = RandomOverSampler(sampling_strategy=wanted, random_state=seed % 2**32)
    sampler.fit_resample(np.arange(len(targets)).reshape(-1, 1), targets)
    rows = sampler.sample_indices_.astype(np.int64)
    ids = np.concatenate([examples.ids, generated_ids(len(rows) - len(targets))])
    return replace(examples.take(rows), ids=ids)


REBALANCER = Rebalancer(
    "imbalance.oversample", "repeat random rows of the smaller classes", OversampleParams, rebalance
)
