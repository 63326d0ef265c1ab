"""What the rebalancers that make rows share: checks, the sampler's call, and the way back to examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.data import DatasetInfo, Examples
from harness.errors import DataError
from harness.params import param

from .counts import class_counts, codes, grown, majority
from .generated import append
from .space import Space, gather, learn_space, spread_out, to_inputs, to_matrix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

Sampler = Callable[[Space, dict[int, int]], Any]
"""``sampler(space, rows wanted by class)`` makes one of imbalanced-learn's over-samplers."""


@dataclass(frozen=True)
class SmoteParams:
    """Parameters of the rebalancers that make rows."""

    factor: float = param(
        5.0, "times as many rows of each smaller class, at most as the majority", low=1.0, high=1e6, tune=(1.5, 20.0)
    )
    k_neighbors: int = param(
        5, "neighbours of the same class that a row is made between", low=1, high=1000, tune=(2, 20)
    )
    scale: bool = param(True, "scale numbers by their deviation before looking for neighbours")


def generate(
    params: SmoteParams, examples: Examples, info: DatasetInfo, sampler: Sampler, *, wide: bool = False
) -> Examples:
    """Grow the smaller classes and append the rows made up.

    Parameters
    ----------
    sampler : callable
        See `Sampler`; it gets codes of categories, or with `wide` one column per level.

    Raises
    ------
    DataError
        If the inputs are no table, or a class has too few rows in this fold.
    """
    targets = codes(examples, info)
    counts = class_counts(targets)
    wanted = grown(counts, params.factor)
    space = learn_space(examples.inputs, scale=params.scale)
    check_neighbors(wanted, counts, params.k_neighbors, info)
    if not wanted:
        return examples
    matrix = to_matrix(space, examples.inputs)
    sampled, labels = sampler(space, wanted).fit_resample(spread_out(space, matrix) if wide else matrix, targets)
    made = sampled[len(targets) :]  # imbalanced-learn puts the original rows first
    inputs = to_inputs(space, gather(space, made) if wide else made, examples.inputs)
    return append(examples, inputs, labels[len(targets) :])


def check_neighbors(wanted: dict[int, int], counts: dict[int, int], k_neighbors: int, info: DatasetInfo) -> None:
    """Refuse classes that are too small to have `k_neighbors` neighbours.

    Raises
    ------
    DataError
        Naming the smallest such class, its rows, and the option to set.
    """
    small = [code for code in wanted if counts[code] < k_neighbors + 1]
    if not small:
        return
    code = min(small, key=lambda small_code: counts[small_code])
    rows = counts[code]
    fix = f"set k_neighbors to {rows - 1} or less" if rows > 1 else "use imbalance.oversample"
    raise DataError(
        f"class {info.classes[code]!r} has {rows} training rows in this fold, k_neighbors = {k_neighbors} needs at"
        f" least {k_neighbors + 1}; {fix}, or use fewer folds"
    )


def smote_sampler(params: SmoteParams, seed: int) -> Sampler:
    """Choose SMOTE, SMOTE-NC (some categories) or SMOTE-N (only categories) by the columns."""

    def make(space: Space, wanted: dict[int, int]) -> Any:
        from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

        common = {"sampling_strategy": wanted, "k_neighbors": params.k_neighbors, "random_state": seed % 2**32}
        if not space.categories:
            return SMOTE(**common)
        if len(space.categories) == len(space.used):
            return SMOTEN(**common)
        return SMOTENC(categorical_features=space.categories, **common)

    return make


def smote_only(params: SmoteParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:
    """Grow the smaller classes by SMOTE; its first use, and the first step of the combined methods."""
    return generate(params, examples, info, smote_sampler(params, seed))


def clean(params: SmoteParams, examples: Examples, info: DatasetInfo, cleaner: Any, name: str) -> Examples:
    """Remove the rows that one of imbalanced-learn's cleaning under-samplers refuses; the others keep their order.

    Raises
    ------
    DataError
        If no row of a class is left.
    """
    import numpy as np

    targets = codes(examples, info)
    counts = class_counts(targets)
    if len(counts) < 2:
        return examples
    space = learn_space(examples.inputs, scale=params.scale)
    cleaner.fit_resample(spread_out(space, to_matrix(space, examples.inputs)), targets)
    kept = np.sort(cleaner.sample_indices_).astype(np.int64)
    lost = sorted(set(counts) - set(class_counts(targets[kept])))
    if lost:
        raise DataError(
            f"{name} removed all {counts[lost[0]]} training rows of class {info.classes[lost[0]]!r} in this fold; use"
            f" imbalance.smote, which removes none{_larger(lost[0], counts)}"
        )
    return examples.take(kept)


def _larger(code: int, counts: dict[int, int]) -> str:
    return "" if code == majority(counts) else ", or a larger factor"
