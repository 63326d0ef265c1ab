"""The features ``imbalance.columns``: typed columns, imputed, encoded and scaled where a strategy asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.data import DatasetInfo
from harness.offers import BuildContext, Features, Transformer
from harness.params import param


@dataclass(frozen=True)
class ColumnsParams:
    """What is done to the columns, in this order: flags, imputation, scaling of numbers, encoding of categories."""

    missing_flags: bool = param(False, "add a column of 0 and 1 for each number that is missing in training rows")
    impute: Literal["none", "median"] = param("none", "median of numbers; a level of its own for categories")
    scale: bool = param(False, "numbers to mean 0 and standard deviation 1")
    encode: Literal["none", "ordinal", "onehot", "target"] = param(
        "none", "categories as they are, as codes, as a column per level, or as cross-fitted means of the target"
    )


def _build(params: ColumnsParams, info: DatasetInfo, context: BuildContext) -> Transformer:
    from harness_imbalance.transform import ColumnsTransformer

    return ColumnsTransformer(params, info.task_type, context.seed)


def features() -> Iterable[Features]:
    """Yield the plugin's features."""
    yield Features(
        "imbalance.columns", "typed columns; imputed, encoded, scaled inside the fold", ColumnsParams, _build
    )
