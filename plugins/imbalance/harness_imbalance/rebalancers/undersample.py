"""Random undersampling: keep a share of the rows of a class, without replacement."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data import DatasetInfo, Examples
from harness.offers import Rebalancer
from harness.params import param

from .counts import class_counts, codes, named


@dataclass(frozen=True)
class UndersampleParams:
    """Parameters of `imbalance.undersample`."""

    keep: float = param(
        1 / 6, "share of the rows to keep, at least one row", low=0.0001, high=1.0, log=True, tune=(0.02, 1.0)
    )
    classes: tuple[str, ...] = param((), "classes to thin out; none named = the majority of the fold")


def rebalance(params: UndersampleParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:
    """Keep ``round(keep * n_c)`` rows of each class to be thinned out; all rows keep their order."""
    import numpy as np
    from imblearn.under_sampling import RandomUnderSampler

    targets = codes(examples, info)
    counts = class_counts(targets)
    kept = {code: max(1, round(params.keep * counts[code])) for code in named(params.classes, info, counts)}
    if not kept:
        return examples
    if len(counts) == 1:  # imbalanced-learn refuses a single class
        rows = np.random.default_rng(seed).choice(len(targets), next(iter(kept.values())), replace=False)
        return examples.take(np.sort(rows).astype(np.int64))
    sampler = RandomUnderSampler(sampling_strategy=kept, random_state=seed % 2**32)
    sampler.fit_resample(np.arange(len(targets)).reshape(-1, 1), targets)
    return examples.take(np.sort(sampler.sample_indices_).astype(np.int64))


REBALANCER = Rebalancer("imbalance.undersample", "keep a random share of the majority", UndersampleParams, rebalance)
