"""The features of the plugin: typed columns, imputed, encoded, scaled where a strategy asks for it; words of texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.data import DatasetInfo
from harness.offers import BuildContext, Features, Transformer
from harness.params import param

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ColumnsParams:
    """What is done to the columns, in this order: flags, imputation, scaling of numbers, encoding of categories."""

    missing_flags: bool = param(False, "add a column of 0 and 1 for each number that is missing in training rows")
    impute: Literal["none", "median"] = param("none", "median of numbers; a level of its own for categories")
    scale: bool = param(False, "numbers to mean 0 and standard deviation 1")
    encode: Literal["none", "ordinal", "onehot", "target"] = param(
        "none", "categories as they are, as codes, as a column per level, or as cross-fitted means of the target"
    )


@dataclass(frozen=True)
class TextParams:
    """What becomes of columns of free text; all others are imputed, scaled and one-hot encoded."""

    words: int = param(1000, "columns of each text: its commonest words", low=1, high=100_000, tune=False)
    ngrams: int = param(2, "longest run of words that counts as one", low=1, high=5)
    min_rows: int = param(2, "training rows that a word must be in", low=1, high=100_000, tune=(1, 10))
    topics: int = param(0, "directions that the words are reduced to (latent semantic analysis); 0: the words", low=0)


def is_text(values: pd.Series) -> bool:
    """Whether a column of inputs holds free text; categories have a dtype of their own."""
    import pandas as pd

    return bool(pd.api.types.is_object_dtype(values.dtype) or isinstance(values.dtype, pd.StringDtype))


def _build_text(params: TextParams, info: DatasetInfo, context: BuildContext) -> Transformer:
    from harness_imbalance.text import TextTransformer

    return TextTransformer(params, info.task_type, context.seed)


def _build(params: ColumnsParams, info: DatasetInfo, context: BuildContext) -> Transformer:
    from harness_imbalance.transform import ColumnsTransformer

    return ColumnsTransformer(params, info.task_type, context.seed)


def features() -> Iterable[Features]:
    """Yield the plugin's features."""
    yield Features(
        "imbalance.columns", "typed columns; imputed, encoded, scaled inside the fold; no texts", ColumnsParams, _build
    )
    yield Features(
        "imbalance.text",
        "TF-IDF of texts, or its topics; other columns imputed, scaled, one-hot",
        TextParams,
        _build_text,
    )
