"""Encoders of tables, fitted inside the model on the fold's training rows only."""

from __future__ import annotations

from typing import Any

from harness.tabular.tables import Columns

ONE_HOT_LIMIT = 100
"""Levels of a category that get a column of their own; rarer ones share one."""


def one_hot(columns: Columns, *, scale: bool) -> Any:
    """Make an encoder for estimators that take complete numbers only.

    Numbers: the training median where missing, and a column that says where (an all-missing column becomes 0);
    standardised on request. Categories: one column per level, `ONE_HOT_LIMIT` at most; levels not seen in training
    count as the rare ones, or as none.

    Returns
    -------
    ColumnTransformer
        Unfitted; gives a dense (n, m) float64 array.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    numbers = make_pipeline(imputer, StandardScaler()) if scale else imputer
    levels = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=ONE_HOT_LIMIT, sparse_output=False)
    return ColumnTransformer(
        [("numbers", numbers, list(columns.numbers)), ("categories", levels, list(columns.categories))],
        sparse_threshold=0,
    )


def ordinal(columns: Columns, *, levels: int) -> Any:
    """Make an encoder for trees that split categories by themselves: codes first, then the numbers as they are.

    Parameters
    ----------
    levels : int
        Most codes of one category; the rarest levels share the last one. Levels not seen in training become NaN.

    Returns
    -------
    ColumnTransformer
        Unfitted; gives (n, c) float64 with the categories in front.
    """
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=levels, dtype=np.float64
    )
    return ColumnTransformer(
        [("categories", codes, list(columns.categories)), ("numbers", "passthrough", list(columns.numbers))]
    )
